"""Teach a learner and examine it: the first-order inner loop that scoring uses."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gtn_nas.meta.exam import follow
from gtn_nas.meta.inner import InnerOptimiser
from gtn_nas.meta.learner import Learner
from gtn_nas.meta.trajectory import is_finite
from gtn_nas.nets.stateless import Statistics
from gtn_nas.seeding import seeded
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.task import Split, Task
from gtn_nas.teacher.lesson import Lesson
from gtn_nas.teacher.protocol import Protocol

__all__ = ["GRADED", "Grade", "Taught", "Watch", "course", "grade", "teach", "teach_architecture"]

_EXAMINED_AT_ONCE = 1000
GRADED = 2000  # validation images that a score looks at: always the same, so that candidates share their noise


@dataclass(frozen=True)
class Taught:
    """A taught learner's parameters ``[P]``, the batch-norm statistics of its protocol, every step's training loss.

    A None for statistics has the examined images use their own.
    """

    theta: Tensor
    statistics: Statistics | None
    losses: list[float]


@dataclass(frozen=True)
class Grade:
    """A taught learner's cross-entropy and accuracy (fraction) on real images."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class Watch:
    """Examinations on the way: after which shares of the lesson, and on how many of a score's images.

    ``see`` is called with the steps taken and the accuracy; what it raises ends the lesson.
    """

    shares: Sequence[float]
    images: int
    see: Callable[[int, float], None]

    def stops(self, steps: int) -> set[int]:
        """Return the numbers of steps after which a lesson of ``steps`` is examined; its end is none of them."""
        return {stop for share in self.shares if 0 < (stop := round(share * steps)) < steps}


def teach_architecture(
    space: SearchSpace,
    task: Task,
    architecture: Architecture,
    seed: int,
    lesson: Lesson,
    rule: InnerOptimiser,
    protocol: Protocol,
    watch: Watch | None = None,
    after: Callable[[Learner, Taught], None] | None = None,
) -> tuple[Grade, list[float]]:
    """Build a learner from ``seed``, teach it, examine it on the first 2,000 validation images.

    Returns its grade and the training loss of every step. ``watch``: examinations on the way; ``after`` is shown what
    the learner has become.

    Raises:
        UserError: the network has nothing to train.
    """
    with seeded(seed):  # dropout draws from the generator as well, while the network is taught
        learner = Learner(space.build(architecture, task).to(lesson.images.device))
        stops = set() if watch is None else watch.stops(lesson.steps)
        for taught in course(learner, learner.initial, lesson, rule, protocol, frozenset(stops)):
            if watch is not None and len(taught.losses) in stops:
                stops.remove(len(taught.losses))  # a learner that diverges right after a stop has been seen
                seen = grade(learner, taught, task.validation.head(min(watch.images, GRADED)))
                watch.see(len(taught.losses), seen.accuracy)
        if after is not None:
            after(learner, taught)
    return grade(learner, taught, task.validation.head(GRADED)), taught.losses


def teach(learner: Learner, theta: Tensor, lesson: Lesson, rule: InnerOptimiser, protocol: Protocol) -> Taught:
    """Train ``theta`` ``[P]`` on the whole lesson; a learner that diverges stops at its last finite parameters."""
    (taught,) = course(learner, theta, lesson, rule, protocol)
    return taught


def course(
    learner: Learner,
    theta: Tensor,
    lesson: Lesson,
    rule: InnerOptimiser,
    protocol: Protocol,
    stops: Collection[int] = (),
) -> Iterator[Taught]:
    """Train as :func:`teach` does; yield what the learner is after as many steps as ``stops`` say, and at the end."""
    rule = rule.for_shapes(learner.shapes)
    state = rule.initial_state(theta)
    running: Statistics = ()
    losses: list[float] = []
    for step in range(lesson.steps):
        images, targets = lesson.images[step], lesson.targets[step]
        loss, gradient, recording = learner.slope(theta, images, targets, observed=protocol.follows_training)
        after, state = rule.advance(theta, state, gradient, lesson.hyper_at(step))
        running = running or tuple(part.detach() for part in recording.initial)
        if not is_finite(after):
            break
        theta = after
        with torch.no_grad():
            running = tuple(part.detach() for part in follow(running, recording))
        losses.append(float(loss))
        if step + 1 in stops and step + 1 < lesson.steps:
            yield Taught(theta, _statistics(learner, theta, lesson.head(step + 1), protocol, running), list(losses))
    yield Taught(theta, _statistics(learner, theta, lesson, protocol, running), losses)


@torch.no_grad()
def _statistics(
    learner: Learner, theta: Tensor, lesson: Lesson, protocol: Protocol, running: Statistics
) -> Statistics | None:
    if protocol.follows_training:
        return running
    seen = protocol.seen(lesson.images, lesson.steps - 1)
    return None if seen is None else learner.statistics(theta, seen)


@torch.no_grad()
def grade(learner: Learner, taught: Taught, split: Split) -> Grade:
    """Examine a taught learner on all of ``split``."""
    size = len(split) if taught.statistics is None else _EXAMINED_AT_ONCE  # None: all images normalise one another
    logits = torch.cat([learner.predict(taught.theta, part, taught.statistics) for part in split.images.split(size)])
    loss = torch.nn.functional.cross_entropy(logits, split.labels)
    return Grade(loss=float(loss), accuracy=float((logits.argmax(1) == split.labels).float().mean()))
