"""The generator of GoodAI's GTN experiments."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gtn_nas.task import Task
from gtn_nas.teacher.generators.base import Generator

__all__ = ["GoodAiGenerator"]

_HIDDEN, _SLOPE = 1024, 0.1


class GoodAiGenerator(Generator):
    """Two linear layers straight to the full size, two convolutions, ``tanh``; nothing is up-sampled.

    Of fixed size: 103 million parameters for MNIST, nearly all in the second layer. Images lie in ±1 of the
    task's normalised pixels, as published, though real ones reach further.
    """

    def __init__(self, latent: int, width: int, task: Task) -> None:
        super().__init__(latent, width, task)
        channels, self.height, self.image_width = task.image_shape
        self.hidden = nn.Linear(latent + task.classes, _HIDDEN)
        self.project = nn.Linear(_HIDDEN, 128 * self.height * self.image_width)
        for layer in (self.hidden, self.project):
            nn.init.kaiming_normal_(layer.weight)
        self.norm0 = nn.BatchNorm1d(_HIDDEN, track_running_stats=False)
        self.body = nn.Sequential(
            nn.LeakyReLU(_SLOPE),
            nn.BatchNorm2d(128, track_running_stats=False),
            nn.Conv2d(128, 64, 3, padding=1),
            nn.BatchNorm2d(64, track_running_stats=False),
            nn.LeakyReLU(_SLOPE),
            nn.Conv2d(64, channels, 3, padding=1),
            nn.BatchNorm2d(channels, track_running_stats=False),
            nn.LeakyReLU(_SLOPE),
        )

    def draw_latents(self, shape: tuple[int, int], rng: torch.Generator | None) -> Tensor:
        """Draw uniform ones, as published."""
        return torch.rand(shape, generator=rng)

    def images(self, inputs: Tensor) -> Tensor:
        """Map ``[N, latent + classes]`` to ``[N, C, H, W]``."""
        x = self.norm0(nn.functional.leaky_relu(self.hidden(inputs), _SLOPE))
        x = self.project(x).view(len(inputs), 128, self.height, self.image_width)
        return torch.tanh(self.body(x))
