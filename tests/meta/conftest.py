"""Learners and lessons in float64, where two ways to one gradient must agree to rounding."""

from __future__ import annotations

import pytest
import torch

from gtn_nas.meta import Exam, Learner, inner_optimiser
from gtn_nas.space import Architecture
from gtn_nas.teacher.lesson import Lesson
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
        torch.manual_seed(0)
        network = CnnSmall().build(CnnSmall().validate({**SMALL, **changes}), Shape()).double()
        self.learner = Learner(network)
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

    def make_exam(self, weights: dict[int, float], real_statistics: bool = False) -> Exam:
        rng = torch.Generator().manual_seed(1)
        images = torch.randn(20, 1, 8, 8, dtype=torch.float64, generator=rng)
        seen = torch.randn(16, 1, 8, 8, dtype=torch.float64, generator=rng) if real_statistics else None
        return Exam(images, torch.arange(20) % 10, weights, seen, statistics_batches=2)

    def arguments(self) -> tuple[object, ...]:
        return self.learner, self.learner.initial, self.lesson, self.rule, self.exam


@pytest.fixture(scope="session")
def make_case() -> type[Case]:
    return Case
