"""Mean-only batch normalisation, the companion of weight normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["MeanOnlyBatchNorm"]


class MeanOnlyBatchNorm(nn.Module):
    """``x - mean + bias`` per channel of ``[B, C, *]`` (Salimans & Kingma, 2016, section 4).

    Args:
        channels: C.
        momentum: share of the old running mean; 0 keeps the last batch's, as the published GTN does.
    """

    running_mean: Tensor

    def __init__(self, channels: int, momentum: float = 0.0) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))
        self.momentum = momentum
        self.register_buffer("running_mean", torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Subtract the batch's mean in training, the running mean in evaluation."""
        mean = self.running_mean
        if self.training:
            mean = x.mean([0, *range(2, x.ndim)])
            with torch.no_grad():
                self.running_mean.lerp_(mean, 1 - self.momentum)
        return x + (self.bias - mean).view(1, -1, *([1] * (x.ndim - 2)))
