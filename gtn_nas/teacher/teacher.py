"""The teacher: what a lesson shows, what it says about it, and the learned inner schedule."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gtn_nas.seeding import seeded
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.lesson import Lesson
from gtn_nas.teacher.schedule import Schedule
from gtn_nas.teacher.sources import SOURCES
from gtn_nas.teacher.targets import make_targets

__all__ = ["Teacher"]


class Teacher(nn.Module):
    """Makes lessons of T batches of B images (Such et al., 2019).

    Args:
        config: kind, curriculum, targets and sizes.
        task: gives image shape, class count and the range of pixel values.
        hyperparameters: what the inner optimiser needs at each step, with initial values
            (:meth:`InnerOptimiser.begun_at` gives them for ``config.learning_rate``).
        seed: of all that is drawn at first.
        labeller: for ``targets = "soft"``, a network trained on real images: images → logits.
        decay: share of the initial learning rates that is left at the last step, where ``config`` says none.
    """

    def __init__(
        self,
        config: TeacherConfig,
        task: Task,
        hyperparameters: Mapping[str, float],
        seed: int,
        labeller: nn.Module | None = None,
        decay: float = 1.0,
    ) -> None:
        super().__init__()
        self.config = config
        with seeded(seed):
            self.source = SOURCES[config.kind](config, task)
        self.targets = make_targets(config, task, labeller)
        self.schedule = Schedule(hyperparameters, config.steps, config.learning_rate_decay or decay)

    def forward(self, seed: int) -> Lesson:
        """Make a whole lesson; ``seed`` decides what the curriculum leaves to chance."""
        samples = self.source(torch.Generator().manual_seed(seed))
        shape = (self.config.steps, self.config.batch_size)
        targets: Tensor = self.targets(samples)
        return Lesson(samples.images.unflatten(0, shape), targets.unflatten(0, shape), self.schedule())

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return what is learned, of ``generator``, ``latents``, ``pixels``, ``targets`` and ``schedule``."""
        return {**self.source.groups(), **self.targets.groups(), "schedule": list(self.schedule.parameters())}

    def resemble_real_images(self, task: Task, seed: int, seconds: float = math.inf) -> None:
        """Begin with images like real ones of their classes, as ``config.warm_start`` says, within ``seconds``."""
        if self.config.warm_start:
            rng = torch.Generator().manual_seed(seed)
            self.source.resemble(task, self.config.warm_start, rng, seconds)
