"""How well a lesson teaches and ranks architectures that training has not seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.stats import spearmanr

from gtn_nas.meta.inner import inner_optimiser
from gtn_nas.meta.teach import Grade, teach_architecture
from gtn_nas.processes import ALONE, World
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.task import Task
from gtn_nas.teacher.frozen import FrozenTeacher

__all__ = ["Validation", "grades", "validate"]


@dataclass(frozen=True)
class Validation:
    """Accuracy of taught held-out architectures after ``outer_steps``, and how they rank against real training.

    ``ranked`` says whether real accuracies are known; ``spearman`` is None where they are not, or where the rank
    correlation is undefined.
    """

    outer_steps: int
    accuracy: float
    spearman: float | None = None
    ranked: bool = False

    @property
    def figure(self) -> float:
        """What the best teacher is chosen by: the rank correlation where real accuracies are known."""
        if not self.ranked:
            return self.accuracy
        return -math.inf if self.spearman is None else self.spearman


def validate(
    teacher: FrozenTeacher,
    space: SearchSpace,
    task: Task,
    architectures: Sequence[Architecture],
    truth: Sequence[float] | None,
    outer_steps: int,
    world: World = ALONE,
) -> Validation:
    """Teach ``architectures`` and examine them on validation images; processes share the work."""
    found = [grade.accuracy for grade in grades(teacher, space, task, architectures, world)]
    correlation = math.nan
    if truth is not None and min(len(set(found)), len(set(truth))) > 1:  # it is not defined of constants
        correlation = float(spearmanr(found, truth).statistic)
    undefined = math.isnan(correlation)
    mean = sum(found) / len(found)
    return Validation(outer_steps, mean, None if undefined else correlation, ranked=truth is not None)


def grades(
    teacher: FrozenTeacher,
    space: SearchSpace,
    task: Task,
    architectures: Sequence[Architecture],
    world: World = ALONE,
    first_seed: int = 0,
) -> list[Grade]:
    """Return every architecture's grade on the first 2,000 validation images, each taught from its own seed."""
    rule, protocol = inner_optimiser(teacher.config.inner), teacher.protocol(task)
    found = torch.zeros(len(architectures), 2, dtype=torch.float64, device=teacher.lesson.images.device)
    for number in range(world.rank, len(architectures), world.size):
        seed = first_seed + number
        graded, _ = teach_architecture(space, task, architectures[number], seed, teacher.lesson, rule, protocol)
        values = found.new_tensor([graded.loss, graded.accuracy])
        found[number] = values * world.size  # the mean over processes takes the factor back
    world.average([found])
    return [Grade(*values) for values in found.tolist()]
