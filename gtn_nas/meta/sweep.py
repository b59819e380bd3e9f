"""What the forward sweep of the ``mixed`` engine leaves for the way back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gtn_nas.meta.exam import Exam, examine, find_statistics
from gtn_nas.meta.learner import Learner
from gtn_nas.meta.steps import Step
from gtn_nas.meta.trajectory import Trajectory, is_finite
from gtn_nas.nets.stateless import Statistics
from gtn_nas.teacher.lesson import Lesson

__all__ = ["Sweep", "TakenExam", "take_exam"]

_PIXELS = 32 * 28 * 28  # of examined images whose graph is held at a time


@dataclass(frozen=True)
class TakenExam:
    """An exam's loss and accuracy, and the loss's adjoints."""

    loss: float
    accuracy: float
    of_theta: Tensor
    of_images: Tensor | None = None  # of the lesson's images through batch-norm statistics
    of_running: tuple[Tensor, ...] = ()


@dataclass
class Sweep:
    """Inner steps from ``start`` on, and the exams that followed them with their weights."""

    start: int
    trajectory: Trajectory
    steps: list[Step] = field(default_factory=list)
    exams: dict[int, list[tuple[TakenExam, float]]] = field(default_factory=dict)
    diverged_at: int | None = None

    @property
    def last(self) -> int:
        """Number of the last step that is kept; the one before ``start`` when none is."""
        return self.start + len(self.steps) - 1

    @property
    def weight(self) -> float:
        """Sum of the weights of all exams that were taken."""
        return sum(weight for marks in self.exams.values() for _, weight in marks)

    def add(self, number: int, step: Step, taken: TakenExam | None, weight: float) -> None:
        """Append a step and the exam that followed it, if gradients flow through it."""
        if number >= self.start:
            self.steps.append(step)
            if taken is not None:
                self.note(number, taken, weight)

    def note(self, number: int, taken: TakenExam, weight: float) -> None:
        """Add an exam on the parameters after step ``number``."""
        self.exams.setdefault(number, []).append((taken, weight))

    def drop_last(self) -> Step:
        """Remove and return the last step, and forget the exams that followed it."""
        self.exams.pop(self.last, None)
        return self.steps.pop()


def take_exam(
    learner: Learner, theta: Tensor, running: Sequence[Tensor], lesson: Lesson, exam: Exam, step: int
) -> TakenExam | None:
    """Examine ``theta`` after inner step ``step``; None when the loss or an adjoint is not finite."""
    with torch.enable_grad():
        leaf = theta.detach().requires_grad_()
        seen = exam.protocol.seen(lesson.images, step)
        through_images = exam.protocol.statistics == "synthetic" and learner.has_statistics
        if seen is not None and through_images:
            seen = seen.detach().requires_grad_()
        statistics = find_statistics(learner, leaf, exam.protocol, seen, running)
        loss, accuracy, of_theta, of_statistics = _examine_in_parts(learner, theta, exam, statistics)
        of_images = torch.zeros_like(seen) if seen is not None and through_images else None
        linked = [pair for pair in zip(statistics or (), of_statistics, strict=True) if pair[0].requires_grad]
        if linked and not exam.protocol.follows_training:
            inputs = [leaf, seen] if seen is not None and through_images else [leaf]
            roots, adjoints_of_roots = zip(*linked, strict=True)
            through = torch.autograd.grad(roots, inputs, adjoints_of_roots, materialize_grads=True)
            of_theta = of_theta + through[0]
            of_images = through[1] if through_images else None
    of_running = of_statistics if exam.protocol.follows_training else ()
    adjoints = [of_theta, *of_running, *([] if of_images is None else [of_images])]
    if not (math.isfinite(loss) and all(is_finite(part) for part in adjoints)):
        return None
    return TakenExam(loss, accuracy, of_theta, of_images, of_running)


def _examine_in_parts(
    learner: Learner, theta: Tensor, exam: Exam, statistics: Statistics | None
) -> tuple[float, float, Tensor, tuple[Tensor, ...]]:
    """Return loss, accuracy and the loss's adjoints of θ and the statistics.

    Given statistics, images do not depend on one another: they are taken in parts, so that memory does not grow
    with their number.
    """
    leaf = theta.detach().requires_grad_()
    leaves = None if statistics is None else tuple(part.detach().requires_grad_() for part in statistics)
    inputs = [leaf, *(leaves or ())]
    height, width = exam.images.shape[2:]
    size = len(exam.images) if leaves is None else max(1, _PIXELS // (height * width))
    loss = accuracy = 0.0
    adjoints: list[Tensor] = []
    for images, labels in zip(exam.images.split(size), exam.labels.split(size), strict=True):
        part, hits = examine(learner, leaf, images, labels, leaves)
        share = len(images) / len(exam.images)
        found = torch.autograd.grad(share * part, inputs, materialize_grads=True)
        adjoints = [*map(torch.add, adjoints, found)] if adjoints else list(found)
        loss, accuracy = loss + share * float(part.detach()), accuracy + share * float(hits)
    return loss, accuracy, adjoints[0], tuple(adjoints[1:])
