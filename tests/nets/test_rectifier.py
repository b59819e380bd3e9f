"""Rectifiers equal PyTorch's to the second derivative."""

import copy

import pytest
import torch
from torch import nn

from gtn_nas.nets.demand import Demand
from gtn_nas.nets.rectifier import Rectifier


def mine(native):
    layer = copy.copy(native)
    Rectifier.take(layer, Demand())
    return layer


@pytest.mark.parametrize("native", [nn.ReLU(), nn.LeakyReLU(0.1)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_equals_the_native_layer(native, layout):
    torch.manual_seed(0)
    assert Rectifier.supports(native)
    x = torch.randn(3, 4, 7, 5, dtype=torch.float64).contiguous(memory_format=layout)
    x[0, 0, 0, :2] = 0  # the corner, where a choice is made
    x.requires_grad_()
    along = torch.randn(x.shape, dtype=torch.float64)
    found = []
    for layer in (mine(native), native):
        y = layer(x)
        (first,) = torch.autograd.grad(y.pow(3).sum() + y.sum(), x, create_graph=True)
        (second,) = torch.autograd.grad((first * along).sum(), x)
        (plain,) = torch.autograd.grad(layer(x).sum(), x)
        found.append([y, first, second, plain])
    for ours, reference in zip(*found, strict=True):
        torch.testing.assert_close(ours, reference, atol=0, rtol=0)


@pytest.mark.parametrize(
    "layer", [nn.ReLU(inplace=True), nn.LeakyReLU(-0.1), nn.LeakyReLU(0.0), nn.LeakyReLU(inplace=True), nn.ReLU6()]
)
def test_others_are_left_alone(layer):
    assert not Rectifier.supports(layer)


def test_third_derivatives_are_refused():
    x = torch.randn(5, dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(mine(nn.ReLU())(x).pow(4).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="no third derivatives"):
        torch.autograd.grad(first.sum(), x, create_graph=True)


def test_what_follows_a_leaky_one_may_overwrite_its_output():
    x = torch.randn(5, dtype=torch.float64, requires_grad=True)
    y = mine(nn.LeakyReLU(0.1))(x)
    y += 1
    (first,) = torch.autograd.grad(y.sum(), x)
    assert first.tolist() == pytest.approx([1.0 if value > 0 else 0.1 for value in x.tolist()])
