"""What is drawn for one learner of an outer step: its network, its exam, and its part of the lesson."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from gtn_nas.meta.config import MetaConfig
from gtn_nas.meta.exam import Exam
from gtn_nas.meta.learner import Learner
from gtn_nas.seeding import seeded
from gtn_nas.space import SearchSpace
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.protocol import Protocol

__all__ = ["Pupil", "draw_pupil", "draw_window"]


@dataclass(frozen=True)
class Pupil:
    """A fresh learner, taught the lesson's first ``steps`` steps; gradients flow from step ``start`` on."""

    learner: Learner
    exam: Exam
    start: int
    steps: int
    seed: int  # of what is drawn while it is taught: dropout


def draw_pupil(
    rng: np.random.Generator, space: SearchSpace, task: Task, teacher: TeacherConfig, config: MetaConfig
) -> Pupil:
    """Draw an architecture, its initial parameters, an exam and a window, all from ``rng``."""
    device = task.train.images.device
    architecture = space.sample(rng)
    with seeded(int(rng.integers(2**31))):
        learner = Learner(space.build(architecture, task).to(device))
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    images, labels = task.train.sample(config.real_batch, generator)
    seen = task.train.sample(config.real_batch, generator)[0] if teacher.statistics == "real" else None
    start, steps = draw_window(rng, teacher.steps, config)
    after = sorted({*range(config.exam_every - 1, steps, config.exam_every), steps - 1} & set(range(start, steps)))
    protocol = Protocol(teacher.statistics, teacher.statistics_batches, seen)
    exam = Exam(images, labels, dict.fromkeys(after, 1 / len(after)), protocol)
    return Pupil(learner, exam, start, steps, int(rng.integers(2**31)))


def draw_window(rng: np.random.Generator, steps: int, config: MetaConfig) -> tuple[int, int]:
    """Return the first inner step that gradients flow through, and the one after the last.

    ``random`` ends the unroll anywhere (RaT-BPTT; Feng et al., 2024), ``end`` truncates it to its latest steps.
    """
    width = min(config.window or steps, steps)
    end = int(rng.integers(width, steps + 1)) if config.window_place == "random" and width < steps else steps
    return end - width, end
