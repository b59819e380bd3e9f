"""The teacher's generator, sized to the task."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Generator"]

_SLOPE = 0.1
_REACH = 1.25  # outputs may leave the range of real pixels by a quarter


class Generator(nn.Module):
    """Latent and class → image: a linear layer to a quarter of the size, two up-sampling convolutions, tanh.

    After Such et al. (2019), section 3.1, at a fraction of their width. Batch normalisation always uses the
    statistics of the batch: all latents of a lesson are generated together.

    Args:
        latent, classes: widths of the two inputs.
        image_shape: channels, height, width; sizes that 4 does not divide are generated larger and cropped.
        width: channels before the last convolution, half of those before.
        low, high: smallest and largest value of a real pixel, per channel; outputs lie around this range.
    """

    def __init__(
        self,
        latent: int,
        classes: int,
        image_shape: tuple[int, int, int],
        width: int,
        low: Sequence[float],
        high: Sequence[float],
    ) -> None:
        super().__init__()
        channels, self.height, self.image_width = image_shape
        self.grid = (-(-self.height // 4), -(-self.image_width // 4))
        self.classes = classes
        wide = 2 * width
        self.project = nn.Linear(latent + classes, wide * self.grid[0] * self.grid[1])
        self.norm0 = nn.BatchNorm2d(wide, track_running_stats=False)
        self.conv1 = nn.Conv2d(wide, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width, track_running_stats=False)
        self.conv2 = nn.Conv2d(width, channels, 3, padding=1)
        lowest, highest = torch.tensor(low), torch.tensor(high)
        self.register_buffer("centre", ((lowest + highest) / 2).view(1, -1, 1, 1))
        self.register_buffer("radius", (_REACH * (highest - lowest) / 2).view(1, -1, 1, 1))
        self.centre: Tensor
        self.radius: Tensor

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Map latents ``[N, latent]`` and labels ``[N]`` to images ``[N, C, H, W]``."""
        inputs = torch.cat([latents, F.one_hot(labels, self.classes).to(latents.dtype)], dim=1)
        x = F.leaky_relu(self.norm0(self.project(inputs).view(len(latents), -1, *self.grid)), _SLOPE)
        x = F.leaky_relu(self.norm1(self.conv1(F.interpolate(x, scale_factor=2))), _SLOPE)
        x = torch.tanh(self.conv2(F.interpolate(x, scale_factor=2)))
        return self.centre + self.radius * x[..., : self.height, : self.image_width]
