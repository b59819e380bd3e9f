"""Normalisation layers that can be differentiated in every direction.

``nn.BatchNorm`` keeps running statistics in buffers that it overwrites in place: they carry no gradient, and
forward-mode differentiation refuses them. The backward of ``nn.GroupNorm`` has no forward-mode rule and picks
another kernel whenever a graph is wanted. A learner inside a meta-gradient needs both, so these layers are
replaced: :class:`StatelessBatchNorm` normalises by the batch (training), or by statistics that were recorded
from named images and are passed in (evaluation); :class:`StatelessGroupNorm` is built on the same kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["StatelessBatchNorm", "StatelessGroupNorm", "Statistics", "make_stateless"]

Statistics = tuple[tuple[Tensor, Tensor], ...]  # (mean, biased variance) of every layer, in forward order


class _Switch:
    """What all batch-norm layers of one network are doing at the moment."""

    def __init__(self) -> None:
        self.recorded: list[tuple[Tensor, Tensor]] | None = None
        self.given: Iterator[tuple[Tensor, Tensor]] | None = None

    @contextmanager
    def recording(self) -> Iterator[list[tuple[Tensor, Tensor]]]:
        """Normalise by the batch and note each layer's statistics."""
        self.recorded = []
        try:
            yield self.recorded
        finally:
            self.recorded = None

    @contextmanager
    def using(self, statistics: Statistics) -> Iterator[None]:
        """Normalise by ``statistics`` (one forward pass)."""
        self.given = iter(statistics)
        try:
            yield
        finally:
            self.given = None


class StatelessBatchNorm(nn.Module):
    """Batch normalisation (Ioffe & Szegedy, 2015) of ``[B, C, ...]`` without running buffers."""

    def __init__(self, source: nn.modules.batchnorm._BatchNorm, switch: _Switch) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = source.weight, source.bias, source.eps
        self.switch = switch

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``x`` by its own statistics, or by the given ones."""
        if self.switch.given is not None:
            return self._normalise(x, *next(self.switch.given))
        if self.switch.recorded is not None:
            axes = [0, *range(2, x.ndim)]
            variance, mean = torch.var_mean(x, axes, correction=0)
            self.switch.recorded.append((mean, variance))
            return self._normalise(x, mean, variance)
        return F.batch_norm(x, None, None, self.weight, self.bias, training=True, eps=self.eps)

    def _normalise(self, x: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
        # By hand: F.batch_norm has no derivative with respect to the statistics it is given.
        scale = torch.rsqrt(variance + self.eps)
        if self.weight is not None:
            scale = scale * self.weight
        shift = -mean * scale if self.bias is None else self.bias - mean * scale
        shape = (1, -1, *([1] * (x.ndim - 2)))
        return x * scale.view(shape) + shift.view(shape)


class StatelessGroupNorm(nn.Module):
    """Group normalisation (Wu & He, 2018) of ``[B, C, ...]`` as batch normalisation of B·G channels."""

    def __init__(self, source: nn.GroupNorm) -> None:
        super().__init__()
        self.weight: nn.Parameter | None = source.weight  # None when the layer is not affine
        self.bias: nn.Parameter | None = source.bias
        self.eps, self.groups = source.eps, source.num_groups

    def forward(self, x: Tensor) -> Tensor:
        """Normalise every group of every image by its own mean and variance."""
        grouped = x.reshape(1, x.shape[0] * self.groups, -1)
        y = F.batch_norm(grouped, None, None, training=True, eps=self.eps).view(x.shape)
        if self.weight is None or self.bias is None:
            return y
        shape = (1, -1, *([1] * (x.ndim - 2)))
        return torch.addcmul(self.bias.view(shape), y, self.weight.view(shape))


def make_stateless(network: nn.Module) -> _Switch | None:
    """Replace the batch- and group-norm layers of ``network`` in place, parameters keeping names and values.

    Returns what steers the batch-norm layers, None when there are none.
    """
    switch = _Switch()
    found = [
        (parent, name, child)
        for parent in network.modules()
        for name, child in parent.named_children()
        if isinstance(child, nn.modules.batchnorm._BatchNorm | nn.GroupNorm)
    ]
    batched = False
    for parent, name, child in found:
        if isinstance(child, nn.GroupNorm):
            setattr(parent, name, StatelessGroupNorm(child))
        else:
            setattr(parent, name, StatelessBatchNorm(child, switch))
            batched = True
    return switch if batched else None
