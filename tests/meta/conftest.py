"""Learners and lessons in float64, where two ways to one gradient must agree; a training that is stopped on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from gtn_nas.meta import Exam, Learner, MetaConfig, MetaGradient, MetaTrainer, inner_optimiser
from gtn_nas.meta.train import Truth, train_teacher
from gtn_nas.meta.unrolled import unrolled
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.frozen import FrozenTeacher
from gtn_nas.teacher.lesson import Lesson
from gtn_nas.teacher.protocol import Protocol
from search_spaces.cnn_small import CnnSmall
from tests.conftest import Shape

SMALL: Architecture = {
    "stage1_op": "conv3",
    "stage1_depth": 1,
    "stage1_width": 16,
    "stage2_op": "inverted3",
    "stage2_depth": 1,
    "stage2_width": 24,
    "stage3_op": "conv1",
    "stage3_depth": 1,
    "stage3_width": 32,
    "resolution": "full",
    "downsample": "max",
    "norm": "batch",
    "activation": "silu",
    "residual": True,
    "head": "flatten",
}


class Case:
    """One inner loop with its exam: everything an engine is called with."""

    def __init__(
        self, rule: str = "adam", soft: bool = False, steps: int = 5, batch: int = 6, **changes: object
    ) -> None:
        self.build = lambda: CnnSmall().build(CnnSmall().validate({**SMALL, **changes}), Shape())
        self._start(rule, soft, steps, batch)

    @classmethod
    def of(cls, build: Callable[[], nn.Module], rule: str = "momentum", **options: object) -> Case:
        """A case with a network of its own for 8×8 images with one channel and ten classes."""
        case = cls.__new__(cls)
        case.build = build
        case._start(rule, **{"soft": False, "steps": 4, "batch": 6, **options})
        return case

    def _start(self, rule: str, soft: bool, steps: int, batch: int) -> None:
        self.learner = self.make_learner()
        self.rule = inner_optimiser(rule)
        images = torch.randn(steps, batch, 1, 8, 8, dtype=torch.float64)
        labels = torch.arange(steps * batch).view(steps, batch) % 10
        targets = torch.randn(steps, batch, 10, dtype=torch.float64).softmax(-1) if soft else labels
        hyper = {
            name: torch.full((steps,), value, dtype=torch.float64) * torch.linspace(0.8, 1.0, steps)
            for name, value in self.rule.hyperparameters.items()
        }
        self.lesson = Lesson(images, targets, hyper)
        self.exam = self.make_exam({1: 0.25, steps - 1: 0.75})

    def make_exam(self, weights: dict[int, float], statistics: str = "synthetic") -> Exam:
        rng = torch.Generator().manual_seed(1)
        images = torch.randn(20, 1, 8, 8, dtype=torch.float64, generator=rng)
        seen = torch.randn(16, 1, 8, 8, dtype=torch.float64, generator=rng) if statistics == "real" else None
        return Exam(images, torch.arange(20) % 10, weights, Protocol(statistics, 2, seen))

    def make_learner(self, native: bool = False) -> Learner:
        torch.manual_seed(0)
        return Learner(self.build().double(), native=native)

    def arguments(self) -> tuple[object, ...]:
        return self.learner, self.learner.initial, self.lesson, self.rule, self.exam

    def reference(self, start: int = 0) -> MetaGradient:
        """The plain unroll with PyTorch's own kernels."""
        learner = self.make_learner(native=True)
        torch.manual_seed(3)
        return unrolled(learner, learner.initial, self.lesson, self.rule, self.exam, start)


@pytest.fixture(scope="session")
def make_case() -> type[Case]:
    return Case


def stopped_and_resumed(
    after: int,
    task: Task,
    space: SearchSpace,
    teacher: TeacherConfig,
    config: MetaConfig,
    folder: Path,
    truth: Truth | None = None,
) -> FrozenTeacher:
    """Train a teacher that is interrupted ``after`` so many outer steps, and take it up again."""

    def stop(trainer: MetaTrainer, _: object) -> None:
        if len(trainer.curve) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_teacher(task, space, teacher, config, folder, truth=truth, on_step=stop)
    return train_teacher(task, space, teacher, config, folder, truth=truth, resume=True)
