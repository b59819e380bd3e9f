"""Stateless normalisation: the same numbers as PyTorch's layers, and every derivative."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, jvp

from gtn_nas.nets.stateless import make_stateless

AFFINE = pytest.mark.parametrize("affine", [True, False])


def network(norm, affine=True):
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), norm(8, affine), nn.SiLU(), nn.Conv2d(8, 8, 3, stride=2), norm(8, affine)]
    net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(32, 4)).double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return net


def batch_norm(channels, affine):
    return nn.BatchNorm2d(channels, affine=affine)


def group_norm(channels, affine):
    return nn.GroupNorm(2, channels, affine=affine)


def images(seed=1):
    return torch.randn(6, 3, 7, 7, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def exactly(found, expected):
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=1e-10)


@AFFINE
@pytest.mark.parametrize("norm", [batch_norm, group_norm])
def test_training_gives_the_same_output_and_gradients(norm, affine):
    original = network(norm, affine).train()
    replaced = copy.deepcopy(original)
    make_stateless(replaced)
    exactly(replaced(images()), original(images()))
    for net in (original, replaced):
        net(images()).square().sum().backward()
    for one, two in zip(replaced.parameters(), original.parameters(), strict=True):
        exactly(one.grad, two.grad)


@AFFINE
def test_recording_normalises_by_the_batch_and_notes_its_statistics(affine):
    original = network(batch_norm, affine).train()
    replaced = copy.deepcopy(original)
    switch = make_stateless(replaced)
    with switch.recording() as statistics:
        output = replaced(images())
    exactly(output, original(images()))
    features = original[0](images())
    exactly(statistics[0][0], features.mean((0, 2, 3)))
    exactly(statistics[0][1], features.var((0, 2, 3), correction=0))
    assert len(statistics) == 2
    with torch.no_grad():
        replaced(images(2))
    assert len(statistics) == 2  # recording has ended


@AFFINE
def test_evaluation_equals_batch_norm_with_the_recorded_statistics(affine):
    original = network(batch_norm, affine)
    replaced = copy.deepcopy(original)
    switch = make_stateless(replaced)
    with switch.recording() as statistics:
        replaced(images())
    for layer, (mean, variance) in zip((original[1], original[4]), statistics, strict=True):
        layer.running_mean.copy_(mean.detach())
        layer.running_var.copy_(variance.detach())
    with switch.using(tuple(statistics)):
        exactly(replaced(images(2)), original.eval()(images(2)))
    exactly(replaced(images(2)), original.train()(images(2)))  # and by the batch again afterwards


def test_gradients_flow_into_the_statistics():
    net = nn.Sequential(batch_norm(3, True)).double()
    switch = make_stateless(net)
    x = images()[:2, :, :3, :3].clone().requires_grad_()
    mean = torch.randn(3, dtype=torch.float64, requires_grad=True)
    variance = (torch.rand(3, dtype=torch.float64) + 0.5).requires_grad_()

    def normalised(x, mean, variance):
        with switch.using(((mean, variance),)):
            return net(x)

    assert torch.autograd.gradcheck(normalised, (x, mean, variance), check_forward_ad=True)


def test_gradients_flow_through_recording_into_the_images_that_were_recorded():
    net = nn.Sequential(batch_norm(3, True)).double()
    switch = make_stateless(net)

    def evaluated(recorded, x):
        with switch.recording() as statistics:
            net(recorded)
        with switch.using(tuple(statistics)):
            return net(x)

    inputs = [images(seed)[:2, :, :3, :3].clone().requires_grad_() for seed in (1, 2)]
    assert torch.autograd.gradcheck(evaluated, inputs)


@AFFINE
@pytest.mark.parametrize("norm", [batch_norm, group_norm])
def test_forward_mode_through_a_backward_pass_gives_the_hessian_product(norm, affine):
    net = network(norm, affine)
    make_stateless(net)
    weights = {name: parameter.detach() for name, parameter in net.named_parameters()}
    direction = {name: torch.randn_like(value) for name, value in weights.items()}

    def loss(weights, x):
        return functional_call(net, weights, (x,)).square().mean()

    def moved(step):
        return grad(loss, argnums=(0, 1))({n: w + step * direction[n] for n, w in weights.items()}, images())

    _, (product, mixed) = jvp(lambda w: grad(loss, argnums=(0, 1))(w, images()), (weights,), (direction,))
    ahead, behind = moved(1e-5), moved(-1e-5)
    difference = (ahead[1] - behind[1]) / 2e-5
    torch.testing.assert_close(mixed, difference, atol=1e-6, rtol=1e-5)
    for name in weights:
        difference = (ahead[0][name] - behind[0][name]) / 2e-5
        torch.testing.assert_close(product[name], difference, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("norm", [batch_norm, group_norm])
def test_parameters_keep_their_names_and_values(norm):
    original = network(norm)
    before = {name: parameter.clone() for name, parameter in original.named_parameters()}
    make_stateless(original)
    after = dict(original.named_parameters())
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert not dict(original.named_buffers())


def test_nested_and_one_dimensional_layers_are_found():
    net = nn.Sequential(nn.Sequential(nn.Flatten(), nn.Linear(147, 5)), nn.Sequential(nn.BatchNorm1d(5))).double()
    expected = copy.deepcopy(net)(images())
    assert make_stateless(net) is not None
    exactly(net(images()), expected)


@pytest.mark.parametrize("norm", [group_norm, lambda channels, affine: nn.Identity()])
def test_without_batch_norm_there_is_nothing_to_steer(norm):
    assert make_stateless(network(norm)) is None
