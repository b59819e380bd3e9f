"""The meta-gradient engines by name: one interface, the same numbers."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from gtn_nas.meta.exam import Exam, MetaGradient
from gtn_nas.meta.higher_engine import higher_engine
from gtn_nas.meta.inner import InnerOptimiser
from gtn_nas.meta.learner import Learner
from gtn_nas.meta.mixed import mixed
from gtn_nas.meta.unrolled import unrolled
from gtn_nas.teacher.lesson import Lesson

__all__ = ["ENGINES", "Engine"]


class Engine(Protocol):
    """``(learner, θ₀ [P], lesson, update rule, exam, start) → loss and gradients for every tensor of the lesson``."""

    def __call__(
        self,
        learner: Learner,
        theta: Tensor,
        lesson: Lesson,
        rule: InnerOptimiser,
        exam: Exam,
        start: int = 0,
        into: Tensor | None = None,
    ) -> MetaGradient:
        """Compute the meta-gradient."""
        ...


ENGINES: dict[str, Engine] = {"mixed": mixed, "unrolled": unrolled, "higher": higher_engine}
