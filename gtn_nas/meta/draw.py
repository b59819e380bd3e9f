"""What is drawn for one learner of an outer step: its network, its exam, and its part of the lesson."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from gtn_nas.meta.config import MetaConfig
from gtn_nas.meta.exam import Exam
from gtn_nas.meta.learner import Learner
from gtn_nas.meta.misplaced import Odds
from gtn_nas.seeding import seeded
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.space.checking import built
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.protocol import Protocol

__all__ = ["Pupil", "draw_architecture", "draw_pupil", "draw_window", "grown", "odds_by_size", "window_starts"]

_CANDIDATES = 4  # among which odds choose


@dataclass(frozen=True)
class Pupil:
    """A fresh learner, taught the lesson's first ``steps`` steps; gradients flow from step ``start`` on."""

    learner: Learner
    exam: Exam
    start: int
    steps: int
    seed: int  # of what is drawn while it is taught: dropout


def draw_pupil(
    rng: np.random.Generator,
    space: SearchSpace,
    task: Task,
    teacher: TeacherConfig,
    config: MetaConfig,
    *,
    held_out: Collection[str] = (),
    progress: float = 1.0,
    odds: Odds | None = None,
    given: Architecture | None = None,
    exam_seed: int | None = None,
) -> Pupil:
    """Draw an architecture, its initial parameters, an exam and a window, all from ``rng``.

    Args:
        rng, space, task, teacher, config: as the trainer has them.
        held_out: keys of architectures that are not to be drawn.
        progress: fraction of the training that is done.
        odds: of architectures, all alike without any.
        given: the architecture, where it is not to be drawn.
        exam_seed: of the exam's images, where learners that are compared sit the same one.
    """
    architecture = given or draw_architecture(rng, space, odds, held_out)
    with seeded(int(rng.integers(2**31))):
        learner = Learner(built(space, architecture, task))
    own = int(rng.integers(2**31))
    generator = torch.Generator().manual_seed(own if exam_seed is None else exam_seed)
    images, labels = task.train.sample(config.real_batch, generator)
    seen = task.train.sample(config.real_batch, generator)[0] if teacher.statistics == "real" else None
    start, steps = draw_window(rng, grown(teacher.steps, config.growth, progress), config)
    cuts = window_starts(steps, config)
    ends = {*range(config.exam_every - 1, steps, config.exam_every), *(cut - 1 for cut in cuts), steps - 1}
    after = sorted(ends & set(range(start, steps)))
    protocol = Protocol(teacher.statistics, teacher.statistics_batches, seen)
    exam = Exam(images, labels, dict.fromkeys(after, 1 / len(after)), protocol, cuts)
    return Pupil(learner, exam, start, steps, int(rng.integers(2**31)))


def draw_architecture(
    rng: np.random.Generator, space: SearchSpace, odds: Odds | None = None, held_out: Collection[str] = ()
) -> Architecture:
    """Draw an architecture that is not held out: one of four by ``odds``, uniformly without any."""

    def draw() -> Architecture:
        architecture = space.sample(rng)
        while held_out and space.key(architecture) in held_out:  # they are a tenth of the space at most
            architecture = space.sample(rng)
        return architecture

    if odds is None:
        return draw()
    candidates = [draw() for _ in range(_CANDIDATES)]
    shares = odds(candidates)
    return candidates[int(rng.choice(_CANDIDATES, p=shares / shares.sum()))]


def odds_by_size(space: SearchSpace, task: Task, *, power: float) -> Odds:
    """Return odds that go with the number of parameters to the ``power``."""

    def odds(candidates: Sequence[Architecture]) -> npt.NDArray[np.float64]:
        sizes = np.array([space.cost(candidate, task).params for candidate in candidates], dtype=np.float64)
        return sizes**power

    return odds


def grown(steps: int, growth: float, progress: float) -> int:
    """Return the inner steps that learners are taught: a quarter of ``steps`` at first, all from ``growth`` on."""
    share = 1.0 if progress >= growth else 0.25 + 0.75 * progress / growth
    return max(1, round(steps * share))


def draw_window(rng: np.random.Generator, steps: int, config: MetaConfig) -> tuple[int, int]:
    """Return the first inner step that gradients flow through, and the one after the last.

    ``random`` ends the unroll anywhere (RaT-BPTT; Feng et al., 2024), ``end`` truncates it to its latest steps, and
    ``every`` has windows everywhere (:func:`window_starts`).
    """
    if config.window_place == "every":
        return 0, steps
    width = min(config.window or steps, steps)
    end = int(rng.integers(width, steps + 1)) if config.window_place == "random" and width < steps else steps
    return end - width, end


def window_starts(steps: int, config: MetaConfig) -> frozenset[int]:
    """Return where gradients are cut when windows lie one after the other; the first one may be shorter.

    Truncated backpropagation through time: of one learner every step gets its gradient, from the exam that ends
    its window.
    """
    if config.window_place != "every" or config.window is None:
        return frozenset()
    return frozenset(range(steps - config.window, 0, -config.window))
