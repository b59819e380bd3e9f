"""ReLU and leaky ReLU whose second derivative is one multiplication."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gtn_nas.nets.become import become
from gtn_nas.nets.demand import Demand
from gtn_nas.nets.order import refuse_third_derivatives

__all__ = ["Rectifier"]


class Rectifier(nn.Module):
    """What an :class:`torch.nn.ReLU` or an :class:`torch.nn.LeakyReLU` becomes.

    Its backward pass is linear in the gradient and constant in the input almost everywhere. PyTorch's own fills a
    map of zeros for the latter and adds it in. Third derivatives are refused.
    """

    demand: Demand
    slope: float

    @classmethod
    def take(cls, layer: nn.Module, demand: Demand) -> None:
        """Make ``layer`` one."""
        become(layer, cls, demand=demand, slope=layer.negative_slope if isinstance(layer, nn.LeakyReLU) else 0.0)

    @staticmethod
    def supports(layer: nn.Module) -> bool:
        """Return whether ``layer`` is a rectifier that can become one."""
        if type(layer) is nn.LeakyReLU:
            return not layer.inplace and layer.negative_slope > 0
        return type(layer) is nn.ReLU and not layer.inplace

    def forward(self, x: Tensor) -> Tensor:
        """Return max(x, 0) + slope·min(x, 0)."""
        y: Tensor = _Rectify.apply(x, self.slope) if self.demand.graph else _rectify(x, self.slope)
        return y


class _Rectify(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: float) -> Tensor:
        y = _rectify(x, slope)
        ctx.save_for_backward(x if slope else y)  # as PyTorch does: what follows may overwrite the other
        ctx.slope = slope
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (signs,) = ctx.saved_tensors
        if not torch.is_grad_enabled():
            return _scale(gradients[0], signs, ctx.slope), None
        return _Gradient.apply(gradients[0], signs.detach(), ctx.slope), None


class _Gradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gradient: Tensor, signs: Tensor, slope: float) -> Tensor:
        ctx.save_for_backward(signs)
        ctx.slope = slope
        return _scale(gradient, signs, slope)

    @staticmethod
    def backward(ctx: Any, *adjoints: Tensor) -> tuple[Tensor, None, None]:
        refuse_third_derivatives()
        (signs,) = ctx.saved_tensors
        return _scale(adjoints[0], signs, ctx.slope), None, None


def _rectify(x: Tensor, slope: float) -> Tensor:
    return F.leaky_relu(x, slope) if slope else F.relu(x)


def _scale(gradient: Tensor, signs: Tensor, slope: float) -> Tensor:
    if slope:
        found: Tensor = torch.ops.aten.leaky_relu_backward(gradient, signs, slope, False)
    else:
        found = torch.ops.aten.threshold_backward(gradient, signs, 0)
    return found
