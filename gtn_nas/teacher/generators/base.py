"""What every generator is given, and what it returns."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gtn_nas.task import Task

__all__ = ["Generator", "PixelRange"]

_REACH = 1.25  # outputs may leave the range of real pixels by a quarter


class PixelRange(nn.Module):
    """Squashes anything into the range of the task's pixels, reaching a quarter beyond it."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        mean, std = torch.tensor(task.mean), torch.tensor(task.std)
        lowest, highest = (0 - mean) / std, (1 - mean) / std
        self.register_buffer("centre", ((lowest + highest) / 2).view(1, -1, 1, 1))
        self.register_buffer("radius", (_REACH * (highest - lowest) / 2).view(1, -1, 1, 1))
        self.centre: Tensor
        self.radius: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, C, H, W]`` of any size to pixels."""
        return self.centre + self.radius * torch.tanh(x)

    def inverse(self, images: Tensor) -> Tensor:
        """Return what is squashed to ``images``."""
        return torch.atanh(((images - self.centre) / self.radius).clamp(-0.999, 0.999))


class Generator(nn.Module, ABC):
    """Latent and class → image.

    Batch normalisation always uses the statistics of the batch: all latents of a lesson are generated together.

    Args:
        latent: width of the latents.
        width: how large the network is, where that can be chosen.
        task: gives class count, image shape and the range of pixels.
    """

    def __init__(self, latent: int, width: int, task: Task) -> None:
        super().__init__()
        self.classes = task.classes

    def draw_latents(self, shape: tuple[int, int], rng: torch.Generator | None) -> Tensor:
        """Draw latents ``[N, latent]`` for it, from PyTorch's global generator without ``rng``: normal ones."""
        return torch.randn(shape, generator=rng)

    @abstractmethod
    def images(self, inputs: Tensor) -> Tensor:
        """Map ``[N, latent + classes]`` to ``[N, C, H, W]``."""

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        """Map latents ``[N, latent]`` and labels ``[N]`` to images ``[N, C, H, W]``."""
        return self.images(torch.cat([latents, F.one_hot(labels, self.classes).to(latents.dtype)], dim=1))


def quarter(size: int) -> int:
    """Return the side that two doublings bring to at least ``size``; what is beyond it is cropped."""
    return -(-size // 4)
