"""Stateless normalisation: the same numbers as PyTorch's layers, and gradients through the statistics."""

import copy

import pytest
import torch
from torch import nn

from gtn_nas.errors import UserError
from gtn_nas.nets.mean_only import MeanOnlyBatchNorm
from gtn_nas.nets.prepare import prepare

AFFINE = pytest.mark.parametrize("affine", [True, False])
NORMS = {
    "batch": lambda channels, affine: nn.BatchNorm2d(channels, affine=affine),
    "group": lambda channels, affine: nn.GroupNorm(2, channels, affine=affine),
    "instance": lambda channels, affine: nn.InstanceNorm2d(channels, affine=affine),
}


def network(norm, affine=True):
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), norm(8, affine), nn.SiLU(), nn.Conv2d(8, 8, 3, stride=2), norm(8, affine)]
    net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(32, 4)).double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return net.train()


def images(seed=1):
    return torch.randn(6, 3, 7, 7, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def exactly(found, expected):
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=1e-10)


@AFFINE
@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_training_gives_the_same_output_and_gradients(norm, affine, native):
    original = network(norm, affine)
    replaced = copy.deepcopy(original)
    prepare(replaced, native=native)
    exactly(replaced(images()), original(images()))
    for net in (original, replaced):
        net(images()).square().sum().backward()
    for (name, one), (other, two) in zip(replaced.named_parameters(), original.named_parameters(), strict=True):
        assert name == other
        exactly(one.grad, two.grad)


def test_nothing_is_left_that_carries_state():
    net = network(NORMS["batch"])
    prepare(net)
    assert not list(net.buffers())


def test_only_batch_norm_has_a_switch():
    assert prepare(network(NORMS["batch"])).switch is not None
    assert prepare(network(NORMS["group"])).switch is None
    assert prepare(nn.Sequential(nn.Linear(3, 4), MeanOnlyBatchNorm(4))).switch is not None


@AFFINE
def test_evaluation_equals_batch_norm_after_one_batch(affine):
    original = network(NORMS["batch"], affine)
    for layer in (original[1], original[4]):
        layer.momentum = 1.0  # running statistics are those of the last batch
    replaced = copy.deepcopy(original)
    switch = prepare(replaced).switch
    original(images())
    with switch.record() as recording:
        replaced(images())
    original.eval()
    with switch.use(tuple(recording.statistics)):
        exactly(replaced(images(2)), original(images(2)))


def test_running_averages_are_those_of_batch_norm():
    original = network(NORMS["batch"])
    replaced = copy.deepcopy(original)
    switch = prepare(replaced).switch
    running = ()
    for seed in range(3):
        original(images(seed))
        with switch.record() as recording:
            replaced(images(seed))
        pairs = zip(running or recording.initial, recording.statistics, recording.shares, strict=True)
        running = tuple((1 - share) * old + share * new for old, new, share in pairs)
    exactly(running[0][0], original[1].running_mean)
    exactly(running[1][1], original[4].running_var)


def test_mean_only_equals_its_plain_form():
    torch.manual_seed(0)
    original = nn.Sequential(nn.Conv2d(3, 4, 3), MeanOnlyBatchNorm(4)).double().train()
    nn.init.normal_(original[1].bias)
    replaced = copy.deepcopy(original)
    switch = prepare(replaced).switch
    with switch.record() as recording:
        exactly(replaced(images()), original(images()))
    original.eval()
    with switch.use(tuple(recording.statistics)):
        exactly(replaced(images(2)), original(images(2)))


def test_gradients_flow_into_the_statistics():
    net = network(NORMS["batch"])
    switch = prepare(net).switch
    seen = images().requires_grad_()

    def loss(shift):
        with switch.record() as recording:
            net(seen + shift)
        with switch.use(tuple(recording.statistics)):
            return net(images(2)).square().sum()

    (slope,) = torch.autograd.grad(loss(0.0), seen)
    step = 1e-6
    way = images(3)
    with torch.no_grad():
        difference = (loss(step * way) - loss(-step * way)) / (2 * step)
    assert float((slope * way).sum()) == pytest.approx(float(difference), rel=1e-6)


def test_layers_keep_their_hooks_and_what_else_they_have():
    original = network(NORMS["batch"])
    for layer in original[:2]:
        layer.register_forward_hook(lambda layer, inputs, output: 2 * output)
    replaced = copy.deepcopy(original)
    prepare(replaced)
    exactly(replaced(images()), original(images()))
    assert isinstance(replaced[0], nn.Conv2d)
    assert (replaced[0].out_channels, replaced[1].num_features) == (8, 8)


def test_layers_that_stand_in_a_list_as_well_are_prepared_there():
    class Listed(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolution, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
            self.order = [self.convolution, self.norm]

        def forward(self, x):
            for layer in self.order:
                x = layer(x)
            return x

    net = Listed().double()
    switch = prepare(net).switch
    with switch.record() as recording:
        net(images())
    assert len(recording.statistics) == 1


class WithReLU(nn.BatchNorm2d):
    def forward(self, x):
        return super().forward(x).relu()


class GroupWithReLU(nn.GroupNorm):
    def forward(self, x):
        return super().forward(x).relu()


def test_a_forward_pass_of_its_own_is_kept_or_refused():
    with pytest.raises(UserError, match=r"WithReLU keeps running statistics .* nn.Sequential\(nn.BatchNorm2d"):
        prepare(nn.Sequential(nn.Conv2d(3, 8, 3), WithReLU(8)))
    original = nn.Sequential(nn.Conv2d(3, 8, 3), GroupWithReLU(2, 8)).double()
    replaced = copy.deepcopy(original)
    prepare(replaced)
    exactly(replaced(images()), original(images()))
    assert (replaced(images()) >= 0).all()


def test_a_subclass_without_one_is_prepared():
    class Mine(nn.BatchNorm2d):
        pass

    assert prepare(nn.Sequential(nn.Conv2d(3, 8, 3), Mine(8))).switch is not None


@pytest.mark.parametrize("norm", [nn.GroupNorm(2, 6), nn.InstanceNorm1d(6, affine=True)])
def test_group_norm_takes_any_order_of_memory(norm):
    def derivatives(layer):
        x = torch.randn(5, 9, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
        y = layer(x.transpose(1, 2))
        (first,) = torch.autograd.grad(y.pow(3).sum(), x, create_graph=True)
        return [y, first, *torch.autograd.grad(first.pow(2).sum(), [x, *layer.parameters()])]

    original = norm.double()
    replaced = copy.deepcopy(original)
    prepare(replaced)
    for mine, reference in zip(derivatives(replaced), derivatives(original), strict=True):
        exactly(mine, reference)
