"""Hard sigmoid and swish: PyTorch's values and slopes, and second derivatives."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gtn_nas.nets.hard import Hard
from gtn_nas.nets.prepare import prepare

KINDS = [nn.Hardsigmoid, nn.Hardswish]


@pytest.mark.parametrize("kind", KINDS)
def test_values_and_slopes_are_pytorchs(kind: type[nn.Module]) -> None:
    source, x = kind(), torch.linspace(-5, 5, 101, requires_grad=True) + 0.013
    mine = kind()
    Hard.take(mine)
    torch.testing.assert_close(mine(x), source(x))
    slopes = [torch.autograd.grad(f(x).sum(), x)[0] for f in (mine, source)]
    torch.testing.assert_close(*slopes)


@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives_are_right(kind: type[nn.Module]) -> None:
    x = (torch.linspace(-5, 5, 21, dtype=torch.float64) + 0.013).requires_grad_()
    mine = kind()
    Hard.take(mine)
    assert torch.autograd.gradgradcheck(mine, (x,))


@pytest.mark.parametrize("native", [True, False])
def test_a_learners_are_exchanged(native: bool) -> None:
    network = nn.Sequential(nn.Hardswish(), nn.Hardsigmoid(), nn.Hardtanh())
    prepare(network, native=native)
    assert [isinstance(layer, Hard) for layer in network] == [True, True, False]
