"""Proxies that teach a candidate a lesson and examine it on real validation images."""

from __future__ import annotations

import math
import statistics
from abc import abstractmethod

from gtn_nas.meta.inner import InnerOptimiser
from gtn_nas.meta.teach import teach_architecture
from gtn_nas.proxy.base import SCORE_SEEDS, Proxy
from gtn_nas.space import Architecture
from gtn_nas.teacher.lesson import Lesson
from gtn_nas.teacher.protocol import Protocol

__all__ = ["LessonProxy"]


class LessonProxy(Proxy):
    """Score: accuracy on the first 2,000 images of the task's validation split after the lesson.

    Other readings: ``loss`` (validation cross-entropy, negated) and ``tse``, the mean training loss of all
    steps, negated (training speed estimate; Ru et al., 2021), and ``tse_late``, of their last quarter alone.
    """

    rule: InnerOptimiser
    protocol: Protocol

    @abstractmethod
    def lesson(self, seed: int) -> Lesson:
        """Return the batches and the schedule."""

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        """Build the network from ``seed``, teach it, examine it."""
        lesson = self.lesson(seed)
        graded, losses = teach_architecture(
            self.space, self.task, architecture, SCORE_SEEDS + seed, lesson, self.rule, self.protocol
        )
        # A learner that diverged did not even do as well as at its worst in the steps it missed.
        losses += [max(losses, default=math.inf)] * (lesson.steps - len(losses))
        late = losses[-max(1, lesson.steps // 4) :]
        return graded.accuracy, {
            "loss": -graded.loss,
            "tse": -statistics.fmean(losses),
            "tse_late": -statistics.fmean(late),
        }
