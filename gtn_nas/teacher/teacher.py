"""The teacher: generator, learned curriculum and learned inner schedule."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gtn_nas.seeding import seeded
from gtn_nas.task import Task, balanced_images
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.generator import Generator
from gtn_nas.teacher.lesson import Lesson
from gtn_nas.teacher.schedule import Schedule

__all__ = ["Teacher", "fit_to_real_images"]

_FIT_BATCH = 256


class Teacher(nn.Module):
    """Learned latents in a fixed order (the "full curriculum" of Such et al., 2019), one per synthetic image.

    Args:
        config: sizes.
        task: gives image shape, class count and the range of pixel values.
        hyperparameters: what the inner optimiser needs at each step, with initial values.
        seed: of latents and weights.
    """

    def __init__(self, config: TeacherConfig, task: Task, hyperparameters: Mapping[str, float], seed: int) -> None:
        super().__init__()
        self.config = config
        count = config.steps * config.batch_size
        low = [(0 - mean) / std for mean, std in zip(task.mean, task.std, strict=True)]
        high = [(1 - mean) / std for mean, std in zip(task.mean, task.std, strict=True)]
        with seeded(seed):
            self.generator = Generator(config.latent, task.classes, task.image_shape, config.width, low, high)
            self.latents = nn.Parameter(torch.randn(count, config.latent))
        chosen = {} if config.learning_rate is None else {"lr": config.learning_rate}
        self.schedule = Schedule({**hyperparameters, **chosen}, config.steps)
        self.register_buffer("labels", torch.arange(count) % task.classes)
        self.labels: Tensor

    def forward(self) -> Lesson:
        """Generate the whole lesson."""
        images = self.generator(self.latents, self.labels)
        shape = (self.config.steps, self.config.batch_size)
        return Lesson(images.unflatten(0, shape), self.labels.view(shape), self.schedule())


def fit_to_real_images(teacher: Teacher, task: Task, steps: int, seed: int, seconds: float = math.inf) -> float:
    """Make the lesson resemble real training images of its classes, so that meta-training starts from sense.

    Every latent is given one image of its class, and generator and latents are fitted to them by squared
    error (generative latent optimisation; Bojanowski et al., 2018), for ``steps`` or until ``seconds`` are over.
    Returns the last mean squared error.
    """
    rng = torch.Generator().manual_seed(seed)
    chosen = balanced_images(task, len(teacher.labels), rng)
    target = task.train.images[chosen.to(task.train.images.device)]
    parameters = [teacher.latents, *teacher.generator.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(1, steps), eta_min=1e-3)
    error, deadline = float("nan"), time.monotonic() + seconds
    for _ in range(steps):
        if time.monotonic() > deadline:
            break
        part = torch.randperm(len(chosen), generator=rng)[:_FIT_BATCH].to(target.device)
        loss = F.mse_loss(teacher.generator(teacher.latents[part], teacher.labels[part]), target[part])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        error = float(loss.detach())
    return error
