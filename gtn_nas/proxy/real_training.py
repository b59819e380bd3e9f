"""Proxies that train for real, most of them not for long."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable

from gtn_nas.fingerprint import fingerprint
from gtn_nas.meta.teach import GRADED
from gtn_nas.proxy.base import SCORE_SEEDS, Proxy, Score, See, timed
from gtn_nas.robustness import PixelRange, fgsm_accuracy
from gtn_nas.seeding import seeded
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.task import Task
from gtn_nas.training import Recipe, accuracy, fit, rate_by_step

__all__ = ["EarlyStop", "FullTraining", "RealSeconds"]


class _RealTraining(Proxy):
    """Score: accuracy on all validation images.

    ``tse``: the last epoch's mean training loss, negated (TSE-E; Ru et al., 2021).
    """

    readings = ("tse",)

    def __init__(self, space: SearchSpace, task: Task, recipe: Recipe) -> None:
        super().__init__(space, task)
        self.recipe = recipe

    _attacks = False

    def attacked(self) -> _RealTraining:
        """Return the same proxy with one more reading, ``fgsm_accuracy``, of the trained network."""
        made = copy.copy(self)
        made._attacks = True
        return made

    def train(
        self, architecture: Architecture, seed: int, rate: Callable[[int], float | None]
    ) -> tuple[float, dict[str, float]]:
        """Train by :func:`gtn_nas.training.fit` and measure."""
        with seeded(SCORE_SEEDS + seed):
            network = self.space.build(architecture, self.task)
            fitted = fit(network, self.task, self.recipe, SCORE_SEEDS + seed, rate)
        readings = {"tse": -fitted.train_loss}
        score = accuracy(network, self.task.validation)  # it leaves the network in evaluation mode
        if self._attacks:
            split = self.task.validation.head(GRADED)
            valid = PixelRange.of(self.task.mean, self.task.std, split.images)
            readings["fgsm_accuracy"] = fgsm_accuracy(network, split, valid)
        return score, readings


class FullTraining(_RealTraining):
    """The recipe's whole training: what a search without a proxy pays for every candidate."""

    name = "full_training"

    @property
    def fingerprint(self) -> str:
        """Hash of recipe and task."""
        return fingerprint(repr((self.name, self.recipe.fingerprint, self.task.fingerprint)))

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        """Train by the recipe."""
        return self.train(architecture, seed, rate_by_step(self.task, self.recipe))


class EarlyStop(FullTraining):
    """The recipe's training with its whole schedule squeezed into one epoch."""

    name = "early_stop"

    def __init__(self, space: SearchSpace, task: Task, recipe: Recipe) -> None:
        super().__init__(space, task, recipe.model_copy(update={"epochs": 1}))


class RealSeconds(_RealTraining):
    """The recipe's training in as many CPU seconds as another proxy takes for the same architecture and seed.

    Learning rates follow the clock, so that they have fallen when the time is up; no two scores are quite alike.
    The other proxy's own time is not counted.
    """

    name = "real_seconds"

    def __init__(self, space: SearchSpace, task: Task, recipe: Recipe, like: Proxy) -> None:
        super().__init__(space, task, recipe)
        self.like = like

    @property
    def fingerprint(self) -> str:
        """Hash of recipe, task and the other proxy's."""
        return fingerprint(repr((self.name, self.recipe.fingerprint, self.like.fingerprint, self.task.fingerprint)))

    def score(self, architecture: Architecture, seed: int, see: See | None = None) -> Score:
        """Ask the other proxy, then train for as long."""
        rate = self._by_clock(self.like.score(architecture, seed).cpu_seconds)
        return timed(lambda: self.train(architecture, seed, rate))

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        """Train for as long as the other proxy takes."""
        return self.train(architecture, seed, self._by_clock(self.like.score(architecture, seed).cpu_seconds))

    def _by_clock(self, budget: float) -> Callable[[int], float | None]:
        began = time.process_time()

        def rate(step: int) -> float | None:
            done = (time.process_time() - began) / budget
            return 0.5 * (1 + math.cos(math.pi * done)) if done < 1 else None

        return rate
