"""The convolution is PyTorch's to the second derivative."""

import copy

import pytest
import torch
from torch import nn

from gtn_nas.nets.convolution import Conv2d, Demand

CASES = {
    "first layer": ((5, 1, 28, 28), {"out_channels": 8, "kernel_size": 3, "padding": 1}),
    "first layer, no padding": ((5, 1, 28, 28), {"out_channels": 8, "kernel_size": 5, "bias": False}),
    "3x3": ((4, 6, 9, 7), {"out_channels": 8, "kernel_size": 3, "padding": 1}),
    "3x3 on a small map": ((4, 6, 3, 4), {"out_channels": 8, "kernel_size": 3, "padding": 1}),
    "5x5 wider than the map": ((4, 6, 2, 2), {"out_channels": 8, "kernel_size": 5, "padding": 2}),
    "5x5 on one pixel": ((4, 6, 1, 1), {"out_channels": 8, "kernel_size": 5, "padding": 2}),
    "3x3, stride 2": ((4, 6, 8, 8), {"out_channels": 8, "kernel_size": 3, "padding": 1, "stride": 2}),
    "5x5, stride 2 on 2x2": ((4, 6, 2, 2), {"out_channels": 8, "kernel_size": 5, "padding": 2, "stride": 2}),
    "1x1": ((4, 6, 5, 5), {"out_channels": 8, "kernel_size": 1}),
    "1x1, large": ((40, 3, 16, 16), {"out_channels": 4, "kernel_size": 1}),
    "1x1, stride 2": ((4, 6, 5, 5), {"out_channels": 8, "kernel_size": 1, "stride": 2}),
    "depthwise": ((4, 6, 5, 5), {"out_channels": 6, "kernel_size": 3, "padding": 1, "groups": 6}),
    "depthwise, one pixel": ((4, 6, 1, 1), {"out_channels": 6, "kernel_size": 3, "padding": 1, "groups": 6}),
    "grouped": ((4, 6, 5, 5), {"out_channels": 4, "kernel_size": (3, 1), "padding": (1, 0), "groups": 2}),
    "a kernel that meets padding alone": (
        (4, 6, 1, 1),
        {"out_channels": 4, "kernel_size": 1, "padding": 1, "stride": 3},
    ),
    "dilated": ((4, 6, 9, 9), {"out_channels": 4, "kernel_size": 3, "padding": 2, "dilation": 2}),
}


def mine(native: nn.Conv2d, demand: Demand | None = None) -> nn.Conv2d:
    """The same parameters with the other forward pass."""
    layer = copy.copy(native)
    Conv2d.take(layer, demand or Demand())
    return layer


def derivatives(layer: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """Output, first derivatives, and second derivatives along random directions."""
    inputs = [x, *layer.parameters()]
    y = layer(x)
    rng = torch.Generator().manual_seed(1)
    weights = torch.randn(y.shape, generator=rng, dtype=x.dtype)
    first = torch.autograd.grad((y.tanh() * weights).sum(), inputs, create_graph=True)
    along = [torch.randn(part.shape, generator=rng, dtype=x.dtype) for part in first]
    total = torch.stack([(part * way).sum() for part, way in zip(first, along, strict=True)]).sum()
    second = torch.autograd.grad(total, inputs)
    plain = torch.autograd.grad((layer(x).tanh() * weights).sum(), inputs)
    return [y, *first, *second, *plain]


@pytest.mark.parametrize(("shape", "options"), CASES.values(), ids=CASES)
def test_equals_the_native_layer(shape, options):
    torch.manual_seed(0)
    native = nn.Conv2d(shape[1], **options).double()
    x = torch.randn(shape, dtype=torch.float64).requires_grad_()
    assert Conv2d.supports(native)
    for found, reference in zip(derivatives(mine(native), x), derivatives(native, x), strict=True):
        torch.testing.assert_close(found, reference, atol=1e-11, rtol=1e-11)


@pytest.mark.parametrize("frozen", ["weight", "bias"])
def test_a_frozen_parameter_gets_no_gradient(frozen):
    native = nn.Conv2d(3, 4, 3, groups=1).double()
    getattr(native, frozen).requires_grad_(False)
    layer = mine(native)
    layer(torch.randn(2, 3, 6, 6, dtype=torch.float64)).square().sum().backward()
    assert getattr(layer, frozen).grad is None
    other = "bias" if frozen == "weight" else "weight"
    assert getattr(layer, other).grad is not None


def test_a_graph_without_values_pulls_back_the_same():
    torch.manual_seed(0)
    native = nn.Conv2d(2, 4, 3, padding=1).double()
    x = torch.randn(3, 2, 9, 9, dtype=torch.float64).requires_grad_()
    adjoints = [torch.randn_like(native.weight), torch.randn_like(native.bias)]
    found = []
    for values in (True, False):
        layer = mine(native, demand := Demand())
        loss = layer(x).tanh().square().sum()
        demand.images, demand.values = False, values
        first = torch.autograd.grad(loss, [layer.weight, layer.bias], create_graph=True)
        demand.images = demand.values = True
        found.append(torch.autograd.grad(first, [x, layer.weight], adjoints))
    for with_values, without in zip(*found, strict=True):
        torch.testing.assert_close(with_values, without, atol=1e-12, rtol=1e-12)


def test_third_derivatives_are_refused():
    layer = mine(nn.Conv2d(2, 3, 3).double())
    x = torch.randn(1, 2, 5, 5, dtype=torch.float64).requires_grad_()
    (first,) = torch.autograd.grad(layer(x).pow(3).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="no third derivatives"):
        torch.autograd.grad(first.square().sum(), x, create_graph=True)


@pytest.mark.parametrize("layer", [nn.Conv2d(1, 1, 3, padding="same"), nn.Conv2d(1, 1, 3, padding_mode="circular")])
def test_other_paddings_are_left_to_the_library(layer):
    assert not Conv2d.supports(layer)
