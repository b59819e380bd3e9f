"""Teach a learner and examine it: the first-order inner loop that scoring uses."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gtn_nas.meta.inner import InnerOptimiser
from gtn_nas.meta.learner import Learner
from gtn_nas.seeding import seeded
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.task import Split, Task
from gtn_nas.teacher.lesson import Lesson

__all__ = ["GRADED", "Grade", "grade", "teach", "teach_architecture"]

GRADED = 2000  # validation images that a score looks at: always the same, so that candidates share their noise


@dataclass(frozen=True)
class Grade:
    """A taught learner's cross-entropy and accuracy (fraction) on real images."""

    loss: float
    accuracy: float


def teach_architecture(
    space: SearchSpace,
    task: Task,
    architecture: Architecture,
    seed: int,
    lesson: Lesson,
    rule: InnerOptimiser,
    statistics_images: Tensor,
) -> tuple[Grade, list[float]]:
    """Build a learner from ``seed``, teach it, examine it on the first 2,000 validation images.

    Returns its grade and the training loss of every step.

    Raises:
        UserError: the network has nothing to train.
    """
    with seeded(seed):  # dropout draws from the generator as well, while the network is taught
        learner = Learner(space.build(architecture, task).to(lesson.images.device))
        theta, losses = teach(learner, learner.initial, lesson, rule)
    return grade(learner, theta, task.validation.head(GRADED), statistics_images), losses


def teach(learner: Learner, theta: Tensor, lesson: Lesson, rule: InnerOptimiser) -> tuple[Tensor, list[float]]:
    """Train ``theta`` ``[P]`` on the whole lesson; return it with the training loss of every step.

    A learner that diverges stops at its last finite parameters.
    """
    state = rule.initial_state(theta)
    losses: list[float] = []
    for step in range(lesson.steps):
        leaf = theta.detach().requires_grad_()
        loss = learner.loss(leaf, lesson.images[step], lesson.targets[step])
        (gradient,) = torch.autograd.grad(loss, leaf)
        with torch.no_grad():
            after, state = rule.update(theta, state, gradient, lesson.hyper_at(step))
        if not math.isfinite(float(after.square().sum())):
            break
        theta = after
        losses.append(float(loss.detach()))
    return theta, losses


@torch.no_grad()
def grade(learner: Learner, theta: Tensor, split: Split, statistics_images: Tensor) -> Grade:
    """Examine ``theta`` on all of ``split``, batch norm by the statistics of ``statistics_images``."""
    statistics = learner.statistics(theta, statistics_images)
    logits = torch.cat([learner.predict(theta, part, statistics) for part in split.images.split(1000)])
    loss = torch.nn.functional.cross_entropy(logits, split.labels)
    return Grade(loss=float(loss), accuracy=float((logits.argmax(1) == split.labels).float().mean()))
