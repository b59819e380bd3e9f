"""What a proxy is: anything that scores an architecture more cheaply than real training."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gtn_nas.errors import UserError
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.task import Task

__all__ = ["SCORE_SEEDS", "Proxy", "Score", "See", "timed"]

SCORE_SEEDS = 1_000_000  # added to a score's seed: real trainings count from 0 and share no initialisation with it


@dataclass(frozen=True)
class See:
    """Whom a lesson's accuracy is shown on the way and at its end, with the steps taken.

    ``images``: of how many it is the share on the way. A pruner decides by it; a picture of the curve needs less. What
    ``show`` raises ends the lesson.
    """

    show: Callable[[int, float], None]
    images: int = 256


@dataclass(frozen=True)
class Score:
    """A proxy's word on one architecture: the higher the better; wall and CPU seconds that it took.

    ``readings``: other scores that the same measurement gave, by name; the higher the better as well.
    """

    value: float
    seconds: float
    cpu_seconds: float
    readings: Mapping[str, float] = field(default_factory=dict)


class Proxy(ABC):
    """Scores architectures of one space on one task.

    A subclass says its ``name``, whether the score depends on a seed, the names of its other ``readings``, and
    measures; timing is done here. One that learns in steps says their number in ``steps``, overrides :meth:`watched`.
    """

    name: str
    seeded: bool = True
    steps: int | None = None
    readings: tuple[str, ...] = ()

    def __init__(self, space: SearchSpace, task: Task) -> None:
        self.space, self.task = space, task

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Hash of all that decides the score besides architecture and seed."""

    @abstractmethod
    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        """Return the score and its other readings."""

    def check_reading(self, reading: str | None) -> None:
        """Refuse a reading that this proxy does not have; None is the score itself.

        Raises:
            UserError: it is one.
        """
        if reading is not None and reading not in self.readings:
            known = ", ".join(self.readings) or "none"
            raise UserError(f"proxy {self.name} has no reading {reading!r}; it has {known}.")

    def prepare(self) -> None:  # noqa: B027 # most have nothing to prepare
        """Measure once what all scores are held against; raises UserError where that cannot be."""

    def attacked(self) -> Proxy:
        """Return the same proxy with one more reading, ``fgsm_accuracy``, of the network that it trains.

        Accuracy on the first 2,000 validation images after FGSM (:func:`gtn_nas.robustness.fgsm_accuracy`).

        Raises:
            UserError: it trains none.
        """
        raise UserError(
            f"proxy {self.name} trains no network that could be attacked; search for fgsm_accuracy by one that does, "
            "such as gtn or real_steps."
        )

    def watched(self, architecture: Architecture, seed: int, see: See) -> tuple[float, dict[str, float]]:
        """Measure, and show the accuracy on the way and at the end."""
        return self.measure(architecture, seed)

    def score(self, architecture: Architecture, seed: int, see: See | None = None) -> Score:
        """Score ``architecture`` and time it; ``see`` is shown the accuracy on the way."""
        if see is None:
            return timed(lambda: self.measure(architecture, seed))
        return timed(lambda: self.watched(architecture, seed, see))


def timed(measure: Callable[[], tuple[float, dict[str, float]]]) -> Score:
    """Return what ``measure`` finds with the seconds that it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    value, readings = measure()
    return Score(value, time.perf_counter() - wall, time.process_time() - cpu, readings)
