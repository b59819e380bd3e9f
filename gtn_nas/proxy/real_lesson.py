"""Proxies that show real images in a lesson's place: a teacher's strictest rivals."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from gtn_nas.fingerprint import fingerprint
from gtn_nas.meta.inner import inner_optimiser
from gtn_nas.proxy.base import SCORE_SEEDS
from gtn_nas.proxy.lesson_proxy import LessonProxy
from gtn_nas.space import SearchSpace
from gtn_nas.task import Task, balanced_images
from gtn_nas.teacher.lesson import Lesson
from gtn_nas.teacher.protocol import Protocol
from gtn_nas.teacher.schedule import Schedule

__all__ = ["RealSteps", "RealSubset"]


class _Real(LessonProxy):
    """Real training images in place of synthetic ones, at the teacher's number of steps and batch size.

    Muon at its own first rates, which fall to a tenth: it teaches far more than Adam and ranks no worse
    (docs/inner.md). Images are drawn with the score's seed. Batch norm
    uses the statistics of as many real batches as the teacher's protocol takes of its own.
    """

    def __init__(
        self, space: SearchSpace, task: Task, steps: int, batch_size: int, statistics_batches: int = 4
    ) -> None:
        super().__init__(space, task)
        self.steps, self.batch_size = steps, batch_size
        self.protocol = Protocol(batches=statistics_batches)
        self.rule = inner_optimiser("muon")

    @property
    def fingerprint(self) -> str:
        """Hash of the settings and the task."""
        rates = (self.rule.name, sorted(self.rule.hyperparameters.items()), self.rule.decay)
        settings = (self.steps, self.batch_size, self.protocol.batches, rates)
        return fingerprint(repr((self.name, *settings, self.task.fingerprint)))

    @abstractmethod
    def draw(self, rng: torch.Generator) -> Tensor:
        """Return the numbers of training images to show ``[T, B]``."""

    def lesson(self, seed: int) -> Lesson:
        """Draw T real batches."""
        device = self.task.train.images.device
        chosen = self.draw(torch.Generator().manual_seed(SCORE_SEEDS + seed)).to(device)
        schedule = Schedule(self.rule.hyperparameters, self.steps, self.rule.decay).to(device)
        lesson = Lesson(self.task.train.images[chosen], self.task.train.labels[chosen], schedule())
        return lesson.detach()


class RealSteps(_Real):
    """Ordinary training on real data, cut off after as many steps: what the teacher must beat to be worth having."""

    name = "real_steps"

    def draw(self, rng: torch.Generator) -> Tensor:
        """Draw every batch uniformly from all training images."""
        count, size = len(self.task.train), min(self.batch_size, len(self.task.train))
        return torch.stack([torch.randperm(count, generator=rng)[:size] for _ in range(self.steps)])


class RealSubset(_Real):
    """A random real subset of the lesson's size, its classes in the lesson's own balanced order.

    The strictest of the cheap rivals: it shares everything with a teacher that has learned nothing but to
    show real images of every class equally often.
    """

    name = "real_subset"

    def draw(self, rng: torch.Generator) -> Tensor:
        """Draw images of the classes 0, 1, 2, … in turn, without repeats where there are enough."""
        return balanced_images(self.task, self.steps * self.batch_size, rng).view(self.steps, self.batch_size)
