"""Max-pooling that keeps its layout in the second derivative."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gtn_nas.nets.become import become
from gtn_nas.nets.demand import Demand
from gtn_nas.nets.layout import layout
from gtn_nas.nets.order import refuse_third_derivatives

__all__ = ["MaxPool2d"]

_Window = tuple[list[int], list[int], list[int], list[int], bool]


class MaxPool2d(nn.MaxPool2d):
    """What an :class:`torch.nn.MaxPool2d` becomes.

    The adjoint of its backward pass gathers what the maxima were taken from. PyTorch's own copies channels-last
    tensors into another layout for it and back. Third derivatives are refused.
    """

    demand: Demand
    window: _Window

    @classmethod
    def take(cls, layer: nn.MaxPool2d, demand: Demand) -> None:
        """Make ``layer`` one."""
        kernel, stride, padding, dilation = (
            _pair(value) for value in (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
        )
        become(layer, cls, demand=demand, window=(kernel, stride, padding, dilation, layer.ceil_mode))

    @staticmethod
    def supports(layer: nn.Module) -> bool:
        """Return whether ``layer`` is a pooling that can become one."""
        return type(layer) is nn.MaxPool2d and not layer.return_indices

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, C, H, W]`` to ``[B, C, H', W']``."""
        y: Tensor = _MaxPool.apply(x, self.window) if self.demand.graph else F.max_pool2d(x, *self.window)
        return y


class _MaxPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, window: _Window) -> Tensor:
        y, indices = torch.ops.aten.max_pool2d_with_indices(x, *window)
        ctx.save_for_backward(x, indices)
        ctx.window = window
        out: Tensor = y
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        x, indices = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=layout(x))
        return _Gradient.apply(gradient, x.detach(), indices, ctx.window), None


class _Gradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gradient: Tensor, x: Tensor, indices: Tensor, window: _Window) -> Tensor:
        ctx.save_for_backward(indices)
        found: Tensor = torch.ops.aten.max_pool2d_with_indices_backward(gradient, x, *window, indices)
        return found

    @staticmethod
    def backward(ctx: Any, *adjoints: Tensor) -> tuple[Tensor, None, None, None]:
        refuse_third_derivatives()
        (indices,) = ctx.saved_tensors
        flat = adjoints[0].permute(0, 2, 3, 1).flatten(1, 2)  # a view when channels come last
        positions = indices.permute(0, 2, 3, 1)
        found = flat.gather(1, positions.flatten(1, 2)).view(positions.shape)
        return found.permute(0, 3, 1, 2), None, None, None


def _pair(value: int | tuple[int, int]) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)
