"""Batch, group and instance normalisation with short second derivatives.

PyTorch derives the double backward of these layers through a chain of some thirty elementwise operations. Written
out it is far less. Let x̂ = (x - μ)·r be normalised over a group of entries, y = γ·x̂ + β, m(·) the mean over the
group and v = γ·ȳ. The backward pass is

    x̄ = r·(v - m(v) - x̂·m(v·x̂)),        γ̄ = Σ ȳ·x̂,        β̄ = Σ ȳ,

and for adjoints (a, α, b) of (x̄, γ̄, β̄), with p = r·(a - m(a) - x̂·m(a·x̂)),

    adjoint of ȳ:  γ·p + α·x̂ + b
    adjoint of γ:  Σ ȳ·p
    adjoint of x:  r·(h - m(h) - x̂·m(h·x̂)) - r²·x̂·(m(a·v) - m(a)·m(v) - m(a·x̂)·m(v·x̂)),
                   h = α·ȳ - r·(a·m(v·x̂) + v·m(a·x̂)).

Everything but five sums over each feature map is arithmetic on one number per image and channel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gtn_nas.nets.layout import layout
from gtn_nas.nets.order import refuse_third_derivatives

__all__ = ["Normalise", "normalise", "normalise_natively"]

Normalise = Callable[[Tensor, Tensor | None, Tensor | None, float, int | None], Tensor]


def normalise(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, groups: int | None) -> Tensor:
    """Normalise ``x`` ``[B, C, *]`` and apply ``weight`` and ``bias`` ``[C]``.

    ``groups`` None: every channel over the whole batch (Ioffe & Szegedy, 2015); otherwise every image in as many
    groups of channels (Wu & He, 2018). Third derivatives are refused.
    """
    if groups is not None:  # whose kernel takes no other order of memory; channels last on a CPU alone (PyTorch 2.13)
        x = x.contiguous(memory_format=layout(x) if x.is_cpu else torch.contiguous_format)
    y: Tensor = _Normalise.apply(x, weight, bias, eps, groups)
    return y


def normalise_natively(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, groups: int | None) -> Tensor:
    """Do the same by PyTorch's own layers: differentiable to every order, and slow in the second."""
    if groups is None:
        return F.batch_norm(x, None, None, weight, bias, training=True, eps=eps)
    return F.group_norm(x, groups, weight, bias, eps)


class _Normalise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, groups: int | None
    ) -> Tensor:
        if groups is None:
            y, mean, rate = torch.native_batch_norm(x, weight, bias, None, None, True, 0.0, eps)
        else:
            size = (x.shape[0], x.shape[1], x[0, 0].numel(), groups)
            y, mean, rate = torch.native_group_norm(x, weight, bias, *size, eps)
        ctx.save_for_backward(x, weight, mean, rate)
        ctx.eps, ctx.groups = eps, groups
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, rate = ctx.saved_tensors
        wanted = list(ctx.needs_input_grad[:3])
        if torch.is_grad_enabled():  # a graph is asked for
            found = _Gradient.apply(gradients[0], x, weight, mean, rate, ctx.groups)
            return (*(part if want else None for part, want in zip(found, wanted, strict=True)), None, None)
        gradient = gradients[0]
        if ctx.groups is None:
            found = torch.ops.aten.native_batch_norm_backward(
                gradient, x, weight, None, None, mean, rate, True, ctx.eps, wanted
            )
        else:
            size = (x.shape[0], x.shape[1], x[0, 0].numel(), ctx.groups)
            gradient = gradient.contiguous(memory_format=layout(x))
            found = torch.ops.aten.native_group_norm_backward(gradient, x, mean, rate, weight, *size, wanted)
        return (*found, None, None)


class _Gradient(torch.autograd.Function):
    """The backward pass as a function of its own: (ȳ, x, γ) → (x̄, γ̄, β̄); μ and r follow from x."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, x: Tensor, weight: Tensor | None, mean: Tensor, rate: Tensor, groups: int | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        over = _Groups(x, groups)
        gamma = _gamma(weight, x)
        rate = over.table(rate)
        normal = (x - over.map(over.table(mean))).mul_(over.map(rate))
        sums, dots = over.sum(gradient), over.sum(gradient * normal)
        v_mean, v_dot = over.mean(gamma * sums), over.mean(gamma * dots)
        ctx.save_for_backward(gradient, weight, normal, rate, sums, dots, v_mean, v_dot)
        ctx.groups = groups
        ctx.set_materialize_grads(False)
        x_bar = torch.addcmul(over.map(-rate * v_mean), gradient, over.map(rate * gamma))
        return x_bar.addcmul_(normal, over.map(-rate * v_dot)), dots.sum(0), sums.sum(0)

    @staticmethod
    def backward(ctx: Any, a: Tensor | None, alpha: Tensor | None, b: Tensor | None) -> tuple[Tensor | None, ...]:
        refuse_third_derivatives()
        gradient, weight, normal, r, sums, dots, v_mean, v_dot = ctx.saved_tensors
        over, gamma = _Groups(normal, ctx.groups), _gamma(weight, normal)
        zero = torch.zeros_like(sums)
        alpha = zero if alpha is None else alpha.expand_as(zero)
        b = zero if b is None else b.expand_as(zero)
        if a is None:
            a_sums = a_dots = a_grads = zero
        else:
            a_sums, a_dots, a_grads = over.sum(a), over.sum(a * normal), over.sum(a * gradient)
        a_mean, a_dot = over.mean(a_sums), over.mean(a_dots)
        # adjoint of ȳ = γ·p + α·x̂ + b, as coefficients of 1, x̂ and a
        of_gradient = torch.addcmul(over.map(b - gamma * r * a_mean), normal, over.map(alpha - gamma * r * a_dot))
        # h = (α - r·γ·m(a·x̂))·ȳ - r·m(v·x̂)·a
        of_y, of_a = alpha - r * gamma * a_dot, -r * v_dot
        h_mean = over.mean(of_y * sums + of_a * a_sums)
        h_dot = over.mean(of_y * dots + of_a * a_dots)
        q = over.mean(gamma * a_grads) - a_mean * v_mean - a_dot * v_dot
        of_x = torch.addcmul(over.map(-r * h_mean), gradient, over.map(r * of_y))
        of_x.addcmul_(normal, over.map(-r * h_dot - r * r * q))
        if a is not None:
            of_gradient.addcmul_(a, over.map(gamma * r))
            of_x.addcmul_(a, over.map(r * of_a))
        of_weight = None
        if weight is not None:  # Σ ȳ·p
            of_weight = (r * (a_grads - a_mean * sums - a_dot * dots)).sum(0)
        return of_gradient, of_x, of_weight, None, None, None


class _Groups:
    """The entries that are normalised together.

    All arithmetic on them runs on small tables: ``[1, C]`` when a channel is normalised over the batch,
    ``[B, C]`` when every image is normalised by itself.
    """

    def __init__(self, x: Tensor, groups: int | None) -> None:
        self.groups, self.ndim, self.channels = groups, x.ndim, x.shape[1]
        self.axes = [0, *range(2, x.ndim)] if groups is None else list(range(2, x.ndim))
        self.size = x.numel() // (x.shape[1] if groups is None else x.shape[0] * groups)

    def map(self, table: Tensor) -> Tensor:
        """Shape a table for arithmetic with ``[B, C, *]``."""
        return table.view(*table.shape, *([1] * (self.ndim - 2)))

    def sum(self, x: Tensor) -> Tensor:
        """Sum over each cell of the table."""
        return x.sum(self.axes).view(-1, self.channels) if self.axes else x

    def mean(self, sums: Tensor) -> Tensor:
        """Mean over the group, from the sums of its cells, for each of them."""
        if self.groups is None:
            return sums / self.size
        parts = sums.view(len(sums), self.groups, -1)
        return (parts.sum(2, keepdim=True) / self.size).expand_as(parts).reshape_as(sums)

    def table(self, statistic: Tensor) -> Tensor:
        """Repeat one number per group for each of its cells."""
        if self.groups is None:
            return statistic.view(1, -1)
        return statistic.view(-1, self.groups).repeat_interleave(self.channels // self.groups, dim=1)


def _gamma(weight: Tensor | None, x: Tensor) -> Tensor:
    return x.new_ones(1, x.shape[1]) if weight is None else weight.view(1, -1)
