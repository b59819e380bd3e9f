"""What a meta-step is measured on: learners, lessons and exams that every method gets alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from gtn_nas.meta.exam import Exam
from gtn_nas.meta.inner import InnerOptimiser, inner_optimiser
from gtn_nas.meta.learner import Learner
from gtn_nas.space import load_space
from gtn_nas.teacher.lesson import Lesson

__all__ = ["CASES", "MetaStep", "StepCase"]

_CLASSES = 10


@dataclass(frozen=True)
class _Shape:
    image_shape: tuple[int, int, int]
    classes: int = _CLASSES


@dataclass(frozen=True)
class MetaStep:
    """One meta-step to be taken: what every engine is called with."""

    learner: Learner
    lesson: Lesson
    rule: InnerOptimiser
    exam: Exam
    into: Tensor  # where a trainer adds up its learners' gradients for the images


@dataclass(frozen=True)
class StepCase:
    """A kind of meta-step, on one learner or on several in turn."""

    title: str
    steps: int
    batch: int
    image_shape: tuple[int, int, int]
    rule: str
    networks: tuple[Callable[[], nn.Module], ...]
    examined: int = 256

    def tiny(self) -> StepCase:
        """Return the same on almost no data: what loads code and nothing else."""
        return replace(self, steps=1, batch=2, examined=2)

    def make(self, *, native: bool, device: torch.device) -> list[MetaStep]:
        """Build the learners and random lessons, the same for every method."""
        return [self._make(number, native, device) for number in range(len(self.networks))]

    def _make(self, number: int, native: bool, device: torch.device) -> MetaStep:
        torch.manual_seed(number)
        learner = Learner(self.networks[number]().to(device), native=native)
        rule = inner_optimiser(self.rule)
        labels = torch.arange(self.steps * self.batch).view(self.steps, self.batch) % _CLASSES
        hyper = {name: torch.full((self.steps,), value) for name, value in rule.hyperparameters.items()}
        lesson = Lesson(torch.randn(self.steps, self.batch, *self.image_shape), labels, hyper).to(device)
        images = torch.randn(self.examined, *self.image_shape, device=device)
        exam = Exam(images, torch.arange(self.examined, device=device) % _CLASSES, {self.steps - 1: 1.0})
        return MetaStep(learner, lesson, rule, exam, torch.zeros_like(lesson.images))


def _two_convolutions(width: int, normalised: bool) -> nn.Module:
    layers: list[nn.Module] = []
    cin = 1
    for cout in (width, 2 * width):
        layers += [nn.Conv2d(cin, cout, 3, padding=1), *([nn.GroupNorm(8, cout)] if normalised else [])]
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
        cin = cout
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(2 * width * 49, _CLASSES))


def _from_cnn_small(seed: int) -> nn.Module:
    space = load_space("cnn_small")
    return space.build(space.sample(np.random.default_rng(seed)), _Shape((1, 8, 8)))


_28, _8 = (1, 28, 28), (1, 8, 8)
_small, _wide = (partial(_two_convolutions, 16, False),), (partial(_two_convolutions, 32, True),)
_drawn = tuple(partial(_from_cnn_small, seed) for seed in range(8))

CASES: dict[str, StepCase] = {
    "a": StepCase("T=32, B=64, 28×28, 16 filters, momentum", 32, 64, _28, "momentum", _small),
    "b": StepCase("T=128, B=64, 28×28, 16 filters, momentum", 128, 64, _28, "momentum", _small),
    "c": StepCase("T=32, B=128, 28×28, 32 filters, GroupNorm, momentum", 32, 128, _28, "momentum", _wide),
    "d": StepCase("T=16, B=40, 8×8, 8 architectures of cnn_small, Adam", 16, 40, _8, "adam", _drawn),
    "short": StepCase("T=16, B=64, 28×28, 16 filters, momentum, hardly an exam", 16, 64, _28, "momentum", _small, 8),
    "long": StepCase("T=128, B=64, 28×28, 16 filters, momentum, hardly an exam", 128, 64, _28, "momentum", _small, 8),
    "c128": StepCase("T=128, B=128, 28×28, 32 filters, GroupNorm, momentum", 128, 128, _28, "momentum", _wide),
}
