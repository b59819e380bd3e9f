"""Does memory grow over many outer steps, each with another architecture?"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import torch

from gtn_nas.memory import resident_bytes
from gtn_nas.meta.config import MetaConfig
from gtn_nas.meta.train import start_training
from gtn_nas.space import load_space
from gtn_nas.task import load_task
from gtn_nas.teacher.config import TeacherConfig

__all__ = ["measure_growth"]


def measure_growth(outer_steps: int, on_step: Callable[[int], None] | None = None) -> dict[str, float | None]:
    """Train a small teacher on digits for ``outer_steps``, each with another architecture of cnn_small.

    Returns the largest resident memory after any step, in bytes, of the second fifth of the steps (in the first
    one the kernels' caches fill) and of the last fifth, and the growth from one to the other as a fraction; beside
    it the growth of the median.
    """
    torch.set_num_threads(1)
    space, task = load_space("cnn_small"), load_task("digits")
    teacher = TeacherConfig(steps=4, batch_size=16, latent=8, width=4, warm_start=0)
    trainer = start_training(task, space, teacher, MetaConfig(iterations=outer_steps, real_batch=64), None)
    sizes: list[int | None] = []
    while not trainer.finished:
        step = trainer.step()
        sizes.append(resident_bytes())
        if on_step is not None:
            on_step(step.number)
    known = [size for size in sizes if size is not None]
    fifth = len(known) // 5
    if fifth == 0:
        return {
            "outer_steps": outer_steps,
            "early_bytes": None,
            "late_bytes": None,
            "growth": None,
            "median_growth": None,
        }
    early, late = known[fifth : 2 * fifth], known[-fifth:]
    return {
        "outer_steps": outer_steps,
        "early_bytes": max(early),
        "late_bytes": max(late),
        "growth": max(late) / max(early) - 1,
        "median_growth": median(late) / median(early) - 1,
    }
