"""Max-pooling equals PyTorch's to the second derivative, in either layout."""

import copy

import pytest
import torch
from torch import nn

from gtn_nas.nets.demand import Demand
from gtn_nas.nets.pooling import MaxPool2d


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(
    "options",
    [{"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}, {"kernel_size": 2, "ceil_mode": True}],
)
def test_equals_the_native_layer(options, layout):
    torch.manual_seed(0)
    native = nn.MaxPool2d(**options)
    x = torch.randn(3, 4, 7, 5, dtype=torch.float64).contiguous(memory_format=layout).requires_grad_()
    along = torch.randn(x.shape, dtype=torch.float64)
    assert MaxPool2d.supports(native)
    found = []
    mine = copy.copy(native)
    MaxPool2d.take(mine, Demand())
    for layer in (mine, native):
        y = layer(x)
        (first,) = torch.autograd.grad(y.pow(3).sum(), x, create_graph=True)
        found.append([y, first, torch.autograd.grad((first * along).sum(), x)[0]])
    for mine, reference in zip(*found, strict=True):
        torch.testing.assert_close(mine, reference, atol=0, rtol=0)


def test_a_layer_that_returns_indices_is_left_alone():
    assert not MaxPool2d.supports(nn.MaxPool2d(2, return_indices=True))
