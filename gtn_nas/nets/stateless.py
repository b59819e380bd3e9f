"""Normalisation without running buffers.

``nn.BatchNorm`` keeps running statistics in buffers that it overwrites in place: they carry no gradient. A
learner inside a meta-gradient needs both, so its layers become these, which normalise by the batch (training)
or by statistics that are passed in (evaluation).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from gtn_nas.nets.become import become
from gtn_nas.nets.mean_only import MeanOnlyBatchNorm
from gtn_nas.nets.normalisation import Normalise

__all__ = ["Recording", "StatelessBatchNorm", "StatelessGroupNorm", "StatelessMeanOnly", "Statistics", "Switch"]

Statistics = tuple[Tensor, ...]  # what every batch-norm layer recorded, [S, C] each, in forward order


@dataclass
class Recording:
    """The statistics of one forward pass, and how each layer would average them over passes."""

    statistics: list[Tensor] = field(default_factory=list)
    initial: list[Tensor] = field(default_factory=list)  # before the first pass
    shares: list[float] = field(default_factory=list)  # of the new statistics in the average


class Switch:
    """What all batch-norm layers of one network are doing at the moment."""

    def __init__(self) -> None:
        self.recording: Recording | None = None
        self.given: Iterator[Tensor] | None = None

    @contextmanager
    def record(self) -> Iterator[Recording]:
        """Normalise by the batch and note each layer's statistics, differentiably."""
        self.recording = Recording()
        try:
            yield self.recording
        finally:
            self.recording = None

    @contextmanager
    def use(self, statistics: Statistics) -> Iterator[None]:
        """Normalise by ``statistics`` (one forward pass)."""
        self.given = iter(statistics)
        try:
            yield
        finally:
            self.given = None

    def note(self, statistics: Tensor, initial: Tensor, share: float) -> None:
        """Add a layer's statistics to the recording, if there is one."""
        if self.recording is not None:
            self.recording.statistics.append(statistics)
            self.recording.initial.append(initial)
            self.recording.shares.append(share)


class StatelessBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch normalisation (Ioffe & Szegedy, 2015) of ``[B, C, *]``; statistics ``[2, C]``: mean, unbiased variance."""

    switch: Switch
    normalise: Normalise
    share: float  # of new statistics in running ones

    @classmethod
    def take(cls, layer: nn.modules.batchnorm._BatchNorm, switch: Switch, normalise: Normalise) -> None:
        """Make ``layer`` one."""
        share = 0.1 if layer.momentum is None else layer.momentum
        become(layer, cls, switch=switch, normalise=normalise, share=share)
        _forget(layer)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``x`` by its own statistics, or by the given ones."""
        if self.switch.given is not None:
            return self._by(next(self.switch.given), x)
        if self.switch.recording is not None:
            variance, mean = torch.var_mean(x, [0, *range(2, x.ndim)])
            initial = torch.stack([torch.zeros_like(mean), torch.ones_like(mean)]).detach()
            self.switch.note(torch.stack([mean, variance]), initial, self.share)
        return self.normalise(x, self.weight, self.bias, self.eps, None)

    def _by(self, statistics: Tensor, x: Tensor) -> Tensor:
        # By hand: F.batch_norm has no derivative with respect to the statistics it is given.
        mean, variance = statistics
        scale = torch.rsqrt(variance + self.eps)
        if self.weight is not None:
            scale = scale * self.weight
        shift = -mean * scale if self.bias is None else self.bias - mean * scale
        shape = (1, -1, *([1] * (x.ndim - 2)))
        return torch.addcmul(shift.view(shape), x, scale.view(shape))


class StatelessMeanOnly(MeanOnlyBatchNorm):
    """Mean-only batch normalisation of ``[B, C, *]``; statistics ``[1, C]``: the mean."""

    switch: Switch
    share: float

    @classmethod
    def take(cls, layer: MeanOnlyBatchNorm, switch: Switch) -> None:
        """Make ``layer`` one."""
        become(layer, cls, switch=switch, share=1 - layer.momentum)
        _forget(layer)

    def forward(self, x: Tensor) -> Tensor:
        """Subtract the batch's mean, or the given one."""
        if self.switch.given is not None:
            mean = next(self.switch.given)[0]
        else:
            mean = x.mean([0, *range(2, x.ndim)])
            self.switch.note(mean[None], torch.zeros_like(mean[None]).detach(), self.share)
        return x + (self.bias - mean).view(1, -1, *([1] * (x.ndim - 2)))


class StatelessGroupNorm(nn.Module):
    """Group normalisation (Wu & He, 2018) of ``[B, C, *]``, every image by itself."""

    weight: Tensor | None  # none when the layer is not affine
    bias: Tensor | None
    eps: float
    normalise: Normalise
    groups: int

    @classmethod
    def take(cls, layer: nn.GroupNorm | nn.modules.instancenorm._InstanceNorm, normalise: Normalise) -> None:
        """Make ``layer`` one."""
        groups = layer.num_groups if isinstance(layer, nn.GroupNorm) else layer.num_features
        become(layer, cls, normalise=normalise, groups=groups)
        _forget(layer)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise every group of channels of every image by its own mean and variance."""
        return self.normalise(x, self.weight, self.bias, self.eps, self.groups)


def _forget(layer: nn.Module) -> None:
    layer._buffers.update(dict.fromkeys(layer._buffers))
