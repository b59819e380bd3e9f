"""The generator of the published GTN (Such et al., 2019, section 3.1, and its code)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gtn_nas.nets.weight_norm import WeightNormConv2d, WeightNormLinear
from gtn_nas.task import Task
from gtn_nas.teacher.generators.base import Generator, quarter

__all__ = ["SuchGenerator"]

_HIDDEN, _SLOPE = 1024, 0.1
_SCALE = 2.0  # images lie in ±2 of the task's normalised pixels


class SuchGenerator(Generator):
    """Two weight-normalised linear layers, two up-sampling weight-normalised convolutions, ``2·tanh``.

    Of fixed size (6.7 million parameters for MNIST with 128 latents); made for ``latent`` = 128.
    """

    def __init__(self, latent: int, width: int, task: Task) -> None:
        super().__init__(latent, width, task)
        channels, self.height, self.image_width = task.image_shape
        self.grid = (quarter(self.height), quarter(self.image_width))
        flat = 128 * self.grid[0] * self.grid[1]
        self.hidden = nn.Sequential(
            WeightNormLinear(latent + task.classes, _HIDDEN, bias=False), _norm1d(_HIDDEN), nn.LeakyReLU(_SLOPE)
        )
        self.project = nn.Sequential(WeightNormLinear(_HIDDEN, flat, bias=False), _norm1d(flat), nn.LeakyReLU(_SLOPE))
        self.conv1 = WeightNormConv2d(128, 64, 3, padding=0)
        self.norm1 = nn.BatchNorm2d(64, track_running_stats=False)
        self.conv2 = WeightNormConv2d(64, channels, 3, padding=0)
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def images(self, inputs: Tensor) -> Tensor:
        """Map ``[N, latent + classes]`` to ``[N, C, H, W]``."""
        x = self.project(self.hidden(inputs)).view(len(inputs), 128, *self.grid)
        x = F.leaky_relu(self.norm1(self.conv1(_doubled(x))), _SLOPE)
        x = self.conv2(_doubled(x)) + self.bias
        return _SCALE * torch.tanh(x[..., : self.height, : self.image_width])


def _norm1d(width: int) -> nn.Module:
    return nn.BatchNorm1d(width, track_running_stats=False)


def _doubled(x: Tensor) -> Tensor:
    return F.pad(F.interpolate(x, scale_factor=2), (1, 1, 1, 1), mode="reflect")
