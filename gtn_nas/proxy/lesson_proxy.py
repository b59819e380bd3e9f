"""Proxies that teach a candidate a lesson and examine it on real validation images."""

from __future__ import annotations

import copy
import math
import statistics
from abc import abstractmethod
from functools import partial

from gtn_nas.meta.inner import InnerOptimiser
from gtn_nas.meta.learner import Learner
from gtn_nas.meta.teach import GRADED, Taught, Watch, teach_architecture
from gtn_nas.proxy.base import SCORE_SEEDS, Proxy, See
from gtn_nas.robustness import PixelRange, fgsm_accuracy
from gtn_nas.space import Architecture
from gtn_nas.teacher.lesson import Lesson
from gtn_nas.teacher.protocol import Protocol

__all__ = ["LessonProxy"]

_ATTACKED_AT_ONCE = 500  # a gradient takes memory
_GLIMPSES = (0.25, 0.5)  # shares of the lesson


class LessonProxy(Proxy):
    """Score: accuracy on the first 2,000 images of the task's validation split after the lesson.

    Other readings: ``loss`` (validation cross-entropy, negated) and ``tse``, the mean training loss of all
    steps, negated (training speed estimate; Ru et al., 2021), and ``tse_late``, of their last quarter alone.
    """

    steps: int
    readings: tuple[str, ...] = ("loss", "tse", "tse_late")
    rule: InnerOptimiser
    protocol: Protocol
    _attacks = False

    def attacked(self) -> LessonProxy:
        """Return the same proxy with one more reading, ``fgsm_accuracy``, of the taught network."""
        made = copy.copy(self)
        made._attacks = True
        return made

    @abstractmethod
    def lesson(self, seed: int) -> Lesson:
        """Return the batches and the schedule."""

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        """Build the network from ``seed``, teach it, examine it."""
        return self._measure(architecture, seed, None)

    def watched(self, architecture: Architecture, seed: int, see: See) -> tuple[float, dict[str, float]]:
        """Measure, with a glimpse of some images after a quarter and a half of the lesson."""
        accuracy, readings = self._measure(architecture, seed, Watch(_GLIMPSES, see.images, see.show))
        see.show(self.steps, accuracy)
        return accuracy, readings

    def _measure(self, architecture: Architecture, seed: int, watch: Watch | None) -> tuple[float, dict[str, float]]:
        lesson, robust = self.lesson(seed), dict[str, float]()

        def attack(learner: Learner, taught: Taught) -> None:
            robust["fgsm_accuracy"] = self._after_fgsm(learner, taught)

        also = attack if self._attacks else None
        graded, losses = teach_architecture(
            self.space, self.task, architecture, SCORE_SEEDS + seed, lesson, self.rule, self.protocol, watch, also
        )
        # A learner that diverged did not even do as well as at its worst in the steps it missed.
        losses += [max(losses, default=math.inf)] * (lesson.steps - len(losses))
        late = losses[-max(1, lesson.steps // 4) :]
        return graded.accuracy, {
            "loss": -graded.loss,
            "tse": -statistics.fmean(losses),
            "tse_late": -statistics.fmean(late),
            **robust,
        }

    def _after_fgsm(self, learner: Learner, taught: Taught) -> float:
        split = self.task.validation.head(GRADED)
        valid = PixelRange.of(self.task.mean, self.task.std, split.images)
        size = len(split) if taught.statistics is None else _ATTACKED_AT_ONCE  # None: they normalise one another
        return fgsm_accuracy(partial(learner.predict, taught.theta, statistics=taught.statistics), split, valid, size)
