"""Proxies that teach a candidate a lesson and examine it on real validation images."""

from __future__ import annotations

import math
import statistics
from abc import abstractmethod

from gtn_nas.meta.inner import InnerOptimiser
from gtn_nas.meta.teach import Watch, teach_architecture
from gtn_nas.proxy.base import SCORE_SEEDS, Proxy, See
from gtn_nas.space import Architecture
from gtn_nas.teacher.lesson import Lesson
from gtn_nas.teacher.protocol import Protocol

__all__ = ["LessonProxy"]

_GLIMPSES, _GLIMPSED = (0.25, 0.5), 256  # shares of the lesson, and images: little beside the lesson's own cost


class LessonProxy(Proxy):
    """Score: accuracy on the first 2,000 images of the task's validation split after the lesson.

    Other readings: ``loss`` (validation cross-entropy, negated) and ``tse``, the mean training loss of all
    steps, negated (training speed estimate; Ru et al., 2021), and ``tse_late``, of their last quarter alone.
    """

    steps: int
    readings: tuple[str, ...] = ("loss", "tse", "tse_late")
    rule: InnerOptimiser
    protocol: Protocol

    @abstractmethod
    def lesson(self, seed: int) -> Lesson:
        """Return the batches and the schedule."""

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        """Build the network from ``seed``, teach it, examine it."""
        return self._measure(architecture, seed, None)

    def watched(self, architecture: Architecture, seed: int, see: See) -> tuple[float, dict[str, float]]:
        """Measure, with a glimpse of 256 images after a quarter and a half of the lesson."""
        return self._measure(architecture, seed, Watch(_GLIMPSES, _GLIMPSED, see))

    def _measure(self, architecture: Architecture, seed: int, watch: Watch | None) -> tuple[float, dict[str, float]]:
        lesson = self.lesson(seed)
        graded, losses = teach_architecture(
            self.space, self.task, architecture, SCORE_SEEDS + seed, lesson, self.rule, self.protocol, watch
        )
        # A learner that diverged did not even do as well as at its worst in the steps it missed.
        losses += [max(losses, default=math.inf)] * (lesson.steps - len(losses))
        late = losses[-max(1, lesson.steps // 4) :]
        return graded.accuracy, {
            "loss": -graded.loss,
            "tse": -statistics.fmean(losses),
            "tse_late": -statistics.fmean(late),
        }
