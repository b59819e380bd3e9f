"""A 2-D convolution whose second derivatives are four plain convolutions on channels-last tensors.

PyTorch's own double backward of a convolution copies its operands into transposed layouts, and runs a grouped
one group by group (a depthwise convolution of 72 channels 72 times). With y = w * x, its gradients
x̄ = w ⋆ ȳ and w̄ = x ⋆ ȳ, and adjoints (a, α) of (x̄, w̄), what is wanted is

    adjoint of ȳ:  w * a + α * x      adjoint of x:  α ⋆ ȳ      adjoint of w:  a ⋆ ȳ,

all of them the convolutions that the library is fast at.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gtn_nas.nets.become import become
from gtn_nas.nets.convolution_kernels import Geometry, Gradients, convolve, derive
from gtn_nas.nets.demand import Demand
from gtn_nas.nets.order import refuse_third_derivatives

__all__ = ["Conv2d"]

_MATRIX_ROWS = 8192  # pixels of a batch up to which a 1×1 convolution is faster as a matrix product


class Conv2d(nn.Conv2d):
    """What an :class:`torch.nn.Conv2d` becomes; third derivatives are refused."""

    demand: Demand
    sizes: tuple[list[int], list[int], list[int]]  # stride, padding and dilation

    @classmethod
    def take(cls, layer: nn.Conv2d, demand: Demand) -> None:
        """Make ``layer`` one."""
        padding = [int(size) for size in layer.padding]
        become(layer, cls, demand=demand, sizes=(list(layer.stride), padding, list(layer.dilation)))

    @staticmethod
    def supports(layer: nn.Module) -> bool:
        """Return whether ``layer`` is a convolution that can become one."""
        return type(layer) is nn.Conv2d and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, C, H, W]`` to ``[B, C', H', W']``, channels last in memory."""
        stride, _, dilation = self.sizes
        weight, padding = self._touching(x)
        pointwise = weight.shape[2:] == (1, 1) and stride == [1, 1] and padding == [0, 0] and self.groups == 1
        if pointwise and x.numel() // x.shape[1] <= _MATRIX_ROWS:
            y = F.linear(x.permute(0, 2, 3, 1), weight.flatten(1), self.bias).permute(0, 3, 1, 2)
        else:
            geometry = (stride, padding, dilation, False, [0, 0], self.groups)
            if self.demand.graph:
                y = _Convolution.apply(x, weight, self.bias, geometry, self.demand)
            else:
                y = convolve(x, weight, self.bias, geometry)
        return y

    def _touching(self, x: Tensor) -> tuple[Tensor, list[int]]:
        """Return the part of the kernel that ever meets the image, and the padding that it leaves.

        Of a 5×5 kernel on a 2×2 image the outer ring only multiplies padding; the gradient for it is 0.
        """
        weight, (stride, padding, dilation) = self.weight, self.sizes
        if dilation != [1, 1]:
            return weight, padding
        (rows, columns), (down, across) = weight.shape[2:], stride
        top, bottom = _touching(x.shape[2], rows, down, padding[0])
        left, right = _touching(x.shape[3], columns, across, padding[1])
        if (bottom - top, right - left) == (rows, columns):
            return weight, padding
        return weight[:, :, top:bottom, left:right], [padding[0] - top, padding[1] - left]


@lru_cache
def _touching(size: int, kernel: int, stride: int, padding: int) -> tuple[int, int]:
    """Return the first tap that meets an image of ``size`` along one axis, and the one after the last."""
    outputs = (size + 2 * padding - kernel) // stride + 1
    first, last = max(0, padding - (outputs - 1) * stride), min(kernel, size + padding)
    cropped = (size + 2 * (padding - first) - (last - first)) // stride + 1
    # Padding is the same on both sides: where it would not be, nothing is cut off.
    return (first, last) if first < last and padding >= first and cropped == outputs else (0, kernel)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry, demand: Demand) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.geometry, ctx.demand = geometry, demand
        return convolve(x, weight, bias, geometry)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        wanted = list(ctx.needs_input_grad[:3])
        if not torch.is_grad_enabled():
            return (*derive(gradients[0], x, weight, ctx.geometry, wanted), None, None)
        wanted[0] = wanted[0] and (ctx.demand.images or not x.is_leaf)
        found = _Gradient.apply(gradients[0], x, weight, ctx.geometry, wanted, ctx.demand.values)
        return (*found, None, None)


class _Gradient(torch.autograd.Function):
    """The backward pass as a function of its own: (ȳ, x, w) → (x̄, w̄, b̄)."""

    @staticmethod
    def forward(
        ctx: Any,
        gradient: Tensor,
        x: Tensor,
        weight: Tensor,
        geometry: Geometry,
        wanted: list[bool],
        values: bool,
    ) -> Gradients:
        ctx.save_for_backward(gradient, x, weight)
        ctx.geometry = geometry
        ctx.set_materialize_grads(False)
        if values:
            return derive(gradient, x, weight, geometry, wanted)
        of_x, _, _ = derive(gradient, x, weight, geometry, [wanted[0], False, False])
        of_weight = torch.empty_like(weight) if wanted[1] else None
        return of_x, of_weight, weight.new_empty(len(weight)) if wanted[2] else None

    @staticmethod
    def backward(
        ctx: Any, of_x: Tensor | None, of_weight: Tensor | None, of_bias: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        refuse_third_derivatives()
        gradient, x, weight = ctx.saved_tensors
        _, x_wanted, weight_wanted, *_ = ctx.needs_input_grad
        geometry = ctx.geometry
        of_gradient: Tensor | None
        d_x = d_weight = None
        if of_x is not None:
            _, d_weight, _ = derive(gradient, of_x, weight, geometry, [False, weight_wanted, False])
        if of_weight is not None:
            d_x, _, _ = derive(gradient, x, of_weight, geometry, [x_wanted, False, False])
        if of_x is not None and of_weight is not None and geometry[-1] == 1:  # w * a + α * x in one
            of_gradient = convolve(torch.cat([of_x, x], 1), torch.cat([weight, of_weight], 1), None, geometry)
        else:
            parts = [] if of_x is None else [convolve(of_x, weight, None, geometry)]
            parts += [] if of_weight is None else [convolve(x, of_weight, None, geometry)]
            of_gradient = sum(parts[1:], start=parts[0]) if parts else None
        if of_bias is not None:
            spread = of_bias.view(1, -1, 1, 1)
            of_gradient = spread.expand_as(gradient) if of_gradient is None else of_gradient.add_(spread)
        return of_gradient, d_x, d_weight, None, None, None
