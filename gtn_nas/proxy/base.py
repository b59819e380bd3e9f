"""What a proxy is: anything that scores an architecture more cheaply than real training."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.task import Task

__all__ = ["Proxy", "Score"]


@dataclass(frozen=True)
class Score:
    """A proxy's word on one architecture: the higher the better; wall and CPU seconds that it took."""

    value: float
    seconds: float
    cpu_seconds: float
    detail: Mapping[str, float] = field(default_factory=dict)


class Proxy(ABC):
    """Scores architectures of one space on one task.

    A subclass says its ``name``, whether the score depends on a seed, and measures; timing is done here.
    """

    name: ClassVar[str]
    seeded: ClassVar[bool] = True

    def __init__(self, space: SearchSpace, task: Task) -> None:
        self.space, self.task = space, task

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Hash of all that decides the score besides architecture and seed."""

    @abstractmethod
    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        """Return the score and named details."""

    def score(self, architecture: Architecture, seed: int) -> Score:
        """Score ``architecture`` and time it."""
        wall, cpu = time.perf_counter(), time.process_time()
        value, detail = self.measure(architecture, seed)
        return Score(value, time.perf_counter() - wall, time.process_time() - cpu, detail)
