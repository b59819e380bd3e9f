"""What a study is to do at one scale; every kind of study is one such plan."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gtn_nas.space import load_space
from gtn_nas.study.claims import Claim, Interval
from gtn_nas.study.measured import Measured
from gtn_nas.study.run import Outcome, Run
from gtn_nas.study.workshop import Workshop
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig

__all__ = ["Plan"]


class Plan(BaseModel, ABC):
    """A list of runs, and how one is done."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Annotated[str, Field(description="data set, as for train-teacher")]
    train_limit: Annotated[int | None, Field(ge=1, description="use only so many training images")] = None
    seeds: Annotated[int, Field(ge=1, description="independent repetitions")]

    @property
    @abstractmethod
    def spaces(self) -> Sequence[str]:
        """Names of all search spaces that runs draw learners from."""

    @property
    def lessons(self) -> Sequence[TeacherConfig]:
        """Settings of all teachers that runs train."""
        return ()

    @property
    def summaries(self) -> frozenset[str]:
        """Variants of what :meth:`derived` returns."""
        return frozenset()

    @abstractmethod
    def runs(self) -> list[Run]:
        """Return all runs, those first that a reader wants first."""

    @abstractmethod
    def execute(self, run: Run, workshop: Workshop) -> Outcome:
        """Do one of the runs.

        Raises:
            UserError: it cannot be done, as when nearly all learners diverge.
        """

    def derived(self, measured: Measured) -> Mapping[tuple[str, str], Sequence[float]]:
        """Return what follows from several runs together: (variant, figure) → values."""
        return {}

    def words(self, measured: Measured) -> list[str]:
        """Return in sentences what this kind of study looks for besides the claims."""
        return []

    def interval(self, claim: Claim, measured: Measured) -> Interval | None:
        """Return the 95 % interval of a claim's difference where it is not one over seeds."""
        return None

    def origins(self, task: Task) -> dict[str, str]:
        """Return fingerprints of what ``data`` and ``spaces`` name: a run's key holds their names alone."""
        return {"task": task.fingerprint, **{name: load_space(name).fingerprint for name in self.spaces}}

    def common_settings(self) -> dict[str, object]:
        """Return the part of a run's settings that all runs share."""
        return {"data": self.data, "train_limit": self.train_limit}
