"""The outer loop: every step teaches a fresh learner and moves the teacher along the meta-gradient."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gtn_nas.errors import UserError
from gtn_nas.meta.config import MetaConfig
from gtn_nas.meta.engines import ENGINES
from gtn_nas.meta.exam import Exam
from gtn_nas.meta.inner import inner_optimiser
from gtn_nas.meta.learner import Learner
from gtn_nas.space import SearchSpace
from gtn_nas.task import Task
from gtn_nas.teacher.teacher import Teacher

__all__ = ["MetaTrainer", "OuterStep"]

_PATIENCE = 20  # outer steps in a row whose meta-gradient is not finite before training gives up


@dataclass(frozen=True)
class OuterStep:
    """What one outer step showed: meta-loss, the learner's last accuracy on real images, and whether it diverged."""

    number: int
    loss: float
    accuracy: float
    diverged: bool
    seconds: float


class MetaTrainer:
    """Meta-trains ``teacher`` on learners drawn from ``space``.

    Everything random in outer step n follows from the seed and n, so that a run that is resumed from its
    last checkpoint takes the same steps as one that was never stopped (with a time budget the learning
    rates follow the clock, and two runs are alike but not equal).
    """

    def __init__(self, teacher: Teacher, space: SearchSpace, task: Task, config: MetaConfig) -> None:
        self.teacher, self.space, self.task, self.config = teacher, space, task, config
        self.rule = inner_optimiser(teacher.config.inner)
        self.optimiser = torch.optim.Adam(
            [
                {"params": list(teacher.generator.parameters()), "lr": config.learning_rate},
                {"params": [teacher.latents], "lr": config.latent_rate},
                {"params": list(teacher.schedule.parameters()), "lr": config.schedule_rate},
            ]
        )
        self._rates = [float(group["lr"]) for group in self.optimiser.param_groups]
        self.curve: list[OuterStep] = []
        self.elapsed = 0.0  # seconds of all runs so far, what happens between two steps included
        self._last = time.perf_counter()
        self._unsound = 0

    @property
    def progress(self) -> float:
        """Fraction of the training that is done, by iterations or by the clock, whichever is further."""
        by_count = len(self.curve) / self.config.outer_steps
        by_clock = self.elapsed / (60 * self.config.minutes) if self.config.minutes else 0.0
        return min(1.0, max(by_count, by_clock))

    @property
    def finished(self) -> bool:
        """Whether the iterations or the minutes are used up."""
        return self.progress >= 1.0

    def step(self) -> OuterStep:
        """Take one outer step and append it to the curve.

        Raises:
            UserError: the meta-gradient was not finite many times in a row.
        """
        number = len(self.curve)
        rng = np.random.default_rng((self.config.seed, number))
        learner = self._draw_learner(rng)
        lesson = self.teacher()
        exam = self._draw_exam(rng)
        found = ENGINES[self.config.engine](learner, learner.initial, lesson, self.rule, exam)
        self.optimiser.zero_grad()
        torch.autograd.backward(
            [lesson.images, *lesson.hyper.values()], [found.images, *(found.hyper[name] for name in lesson.hyper)]
        )
        self._update()
        now = time.perf_counter()
        seconds, self._last = now - self._last, now
        self.elapsed += seconds
        done = OuterStep(number, found.loss, found.accuracy, found.diverged_at is not None, seconds)
        self.curve.append(done)
        return done

    def _draw_learner(self, rng: np.random.Generator) -> Learner:
        architecture = self.space.sample(rng)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**31)))
            network = self.space.build(architecture, self.task)
        return Learner(network.to(self.task.train.images.device))

    def _draw_exam(self, rng: np.random.Generator) -> Exam:
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        images, labels = self.task.train.sample(self.config.real_batch, generator)
        steps = self.teacher.config.steps
        after = sorted({*range(self.config.exam_every - 1, steps, self.config.exam_every), steps - 1})
        seen: Tensor | None = None
        if self.teacher.config.statistics == "real":
            seen, _ = self.task.train.sample(self.config.real_batch, generator)
        return Exam(
            images,
            labels,
            weights=dict.fromkeys(after, 1 / len(after)),
            statistics_images=seen,
            statistics_batches=self.teacher.config.statistics_batches,
        )

    def _update(self) -> None:
        factor = self.config.final_rate + (1 - self.config.final_rate) * 0.5 * (1 + math.cos(math.pi * self.progress))
        for group, rate in zip(self.optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        parameters = [p for group in self.optimiser.param_groups for p in group["params"]]
        norm = float(torch.nn.utils.clip_grad_norm_(parameters, self.config.clip))
        if math.isfinite(norm):
            self._unsound = 0
            self.optimiser.step()
            return
        self._unsound += 1
        if self._unsound >= _PATIENCE:
            raise UserError(
                f"the meta-gradient was not finite {_PATIENCE} times in a row; lower the inner learning rate "
                "(--set teacher.learning_rate=…) or the number of inner steps."
            )
