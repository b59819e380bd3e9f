"""Teach fresh learners and examine them on test images, by both protocols."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from gtn_nas.meta.inner import inner_optimiser
from gtn_nas.meta.learner import Learner
from gtn_nas.meta.teach import Taught, course, grade
from gtn_nas.seeding import seeded
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.task import Split, Task
from gtn_nas.teacher.frozen import FrozenTeacher
from gtn_nas.teacher.lesson import Lesson
from gtn_nas.teacher.protocol import Protocol

__all__ = ["Seen", "accuracies_on_test", "in_other_orders", "taught_learners"]

_AT_ONCE = 512  # test images that normalise one another, as in GoodAI's experiments
_SEEDS = 5_000  # of the learners, apart from those of training, validation and quality


@dataclass(frozen=True)
class Seen:
    """Test accuracy after so many inner ``steps``.

    ``lesson`` by batch-norm statistics from the lesson, ``test_batch`` by those of 512 test images each (transductive).
    """

    steps: int
    lesson: float
    test_batch: float


def accuracies_on_test(
    teacher: FrozenTeacher,
    space: SearchSpace,
    task: Task,
    seed: int,
    images: int | None = None,
    stops: Sequence[int] = (),
    lesson: Lesson | None = None,
) -> list[Seen]:
    """Teach a learner that is drawn from ``space`` by ``seed``; examine it after every stop, and at the end.

    A learner that diverges stays as it last was for all stops to come. ``images``: how many of the test images;
    ``lesson``: another one than the teacher's own.
    """
    part = task.test.head(images or len(task.test))
    seen = [
        Seen(len(taught.losses), grade(learner, taught, part).accuracy, _transductive(learner, taught, part))
        for learner, taught in taught_learners(teacher, space, task, seed, stops, lesson)
    ]
    steps = (lesson or teacher.lesson).steps
    wanted = sorted({*(stop for stop in stops if stop < steps), steps})
    return [*seen[:-1], *(replace(seen[-1], steps=stop) for stop in wanted[len(seen) - 1 :])]


def taught_learners(
    teacher: FrozenTeacher,
    space: SearchSpace,
    task: Task,
    seed: int,
    stops: Sequence[int] = (),
    lesson: Lesson | None = None,
) -> Iterator[tuple[Learner, Taught]]:
    """Teach the learner that ``seed`` draws from ``space``; yield what it is after every stop, and at the end.

    It is one learner: what is asked of it must be asked before the next is taken.
    """
    lesson = lesson or teacher.lesson
    architecture: Architecture = space.sample(np.random.default_rng(_SEEDS + seed))
    rule, protocol = inner_optimiser(teacher.config.inner), Protocol("synthetic", teacher.config.statistics_batches)
    with seeded(_SEEDS + seed):
        learner = Learner(space.build(architecture, task).to(lesson.images.device))
        for taught in course(learner, learner.initial, lesson, rule, protocol, frozenset(stops)):
            yield learner, taught


def in_other_orders(lesson: Lesson, count: int, seed: int) -> Iterable[Lesson]:
    """Yield the lesson ``count`` times with its batches in random order; every step keeps its hyperparameters."""
    rng = torch.Generator().manual_seed(seed)
    for _ in range(count):
        order = torch.randperm(lesson.steps, generator=rng).to(lesson.images.device)
        yield replace(lesson, images=lesson.images[order], targets=lesson.targets[order])


def _transductive(learner: Learner, taught: Taught, split: Split) -> float:
    if not learner.has_statistics:
        return grade(learner, taught, split).accuracy
    own = replace(taught, statistics=None)
    parts = zip(split.images.split(_AT_ONCE), split.labels.split(_AT_ONCE), strict=True)
    correct = [grade(learner, own, Split(images, labels)).accuracy * len(labels) for images, labels in parts]
    return sum(correct) / len(split)
