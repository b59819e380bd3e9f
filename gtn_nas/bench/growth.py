"""Does memory grow over many outer steps, each with another architecture?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from gtn_nas.bench.worker import resident_bytes
from gtn_nas.meta.exam import Exam
from gtn_nas.meta.inner import inner_optimiser
from gtn_nas.meta.learner import Learner
from gtn_nas.meta.mixed import mixed
from gtn_nas.space import load_space
from gtn_nas.task import load_task
from gtn_nas.teacher.lesson import Lesson

__all__ = ["measure_growth"]

_SETTLED = 0.2  # share of the steps after which the allocator has seen what it will see


def measure_growth(outer_steps: int, on_step: Callable[[int], None] | None = None) -> dict[str, float | None]:
    """Take ``outer_steps`` meta-gradients on digits, each for another architecture of cnn_small.

    Returns the largest resident memory, in bytes, of the steps from the first to the second fifth and of the
    last fifth, and the growth from one to the other as a fraction.
    """
    torch.set_num_threads(1)
    space, task, rule = load_space("cnn_small"), load_task("digits"), inner_optimiser("adam")
    hyper = {name: torch.full((4,), value) for name, value in rule.hyperparameters.items()}
    lesson = Lesson(task.train.images[:64].view(4, 16, 1, 8, 8), task.train.labels[:64].view(4, 16), hyper)
    exam = Exam(task.train.images[64:128], task.train.labels[64:128], {3: 1.0})
    rng = np.random.default_rng(0)
    sizes: list[int | None] = []
    for number in range(outer_steps):
        learner = Learner(space.build(space.sample(rng), task))
        mixed(learner, learner.initial, lesson, rule, exam)
        sizes.append(resident_bytes())
        if on_step is not None:
            on_step(number)
    known = [size for size in sizes if size is not None]
    if len(known) < 5:
        return {"outer_steps": outer_steps, "early_bytes": None, "late_bytes": None, "growth": None}
    fifth = int(_SETTLED * len(known))
    early, late = max(known[fifth : 2 * fifth]), max(known[-fifth:])
    return {"outer_steps": outer_steps, "early_bytes": early, "late_bytes": late, "growth": late / early - 1}
