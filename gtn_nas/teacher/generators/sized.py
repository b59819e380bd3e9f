"""The default generator, sized to the task."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from gtn_nas.task import Task
from gtn_nas.teacher.generators.base import Generator, PixelRange, quarter

__all__ = ["SizedGenerator"]

_SLOPE = 0.1


class SizedGenerator(Generator):
    """A linear layer to a quarter of the size, two up-sampling convolutions, tanh over the range of pixels.

    After Such et al. (2019), section 3.1, at a fraction of their width: ``width`` channels before the last
    convolution, twice as many before the one above.
    """

    def __init__(self, latent: int, width: int, task: Task) -> None:
        super().__init__(latent, width, task)
        channels, self.height, self.image_width = task.image_shape
        self.grid = (quarter(self.height), quarter(self.image_width))
        wide = 2 * width
        self.project = nn.Linear(latent + task.classes, wide * self.grid[0] * self.grid[1])
        self.norm0 = nn.BatchNorm2d(wide, track_running_stats=False)
        self.conv1 = nn.Conv2d(wide, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width, track_running_stats=False)
        self.conv2 = nn.Conv2d(width, channels, 3, padding=1)
        self.range = PixelRange(task)

    def images(self, inputs: Tensor) -> Tensor:
        """Map ``[N, latent + classes]`` to ``[N, C, H, W]``."""
        x = F.leaky_relu(self.norm0(self.project(inputs).view(len(inputs), -1, *self.grid)), _SLOPE)
        x = F.leaky_relu(self.norm1(self.conv1(F.interpolate(x, scale_factor=2))), _SLOPE)
        x = self.conv2(F.interpolate(x, scale_factor=2))
        out: Tensor = self.range(x[..., : self.height, : self.image_width])
        return out
