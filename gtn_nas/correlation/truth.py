"""Truth tables: architectures with the accuracy that real training gave them, one JSON line per training."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gtn_nas.correlation.stats import Estimate, spearman
from gtn_nas.errors import UserError
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.task import Task

__all__ = ["Training", "TruthTable", "ceiling", "read_trainings"]


@dataclass(frozen=True)
class Training:
    """One finished real training: a line of the table. Accuracies are fractions."""

    key: str
    seed: int
    architecture: Architecture
    test_accuracy: float
    validation_accuracy: float
    params: int
    seconds: float
    cpu_seconds: float
    space: str
    space_fingerprint: str
    task: str
    task_fingerprint: str
    recipe: dict[str, Any]
    hardware: dict[str, Any] = field(default_factory=dict)  # of the seconds; older tables do not say it
    versions: dict[str, str] = field(default_factory=dict)

    def to_line(self) -> str:
        """Return the line, without its end."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class TruthTable:
    """Architectures that were all trained with the same seeds.

    ``accuracies`` ``[n, S]``: test accuracy of every architecture with every seed; ``validation`` ``[n]``: mean
    accuracy on validation images, for choices.
    """

    architectures: list[Architecture]
    keys: list[str]
    accuracies: npt.NDArray[np.float64]
    seconds_per_training: float
    recipe: dict[str, Any]
    validation: npt.NDArray[np.float64]
    left_out: int = 0  # architectures that lack a seed which others have

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """Mean accuracy over seeds ``[n]``."""
        mean: npt.NDArray[np.float64] = self.accuracies.mean(axis=1)
        return mean

    @property
    def left_out_in_words(self) -> str | None:
        """How many architectures are left out, and what brings them in; None where none is."""
        if self.left_out == 0:
            return None
        seeds, count = self.accuracies.shape[1], self.left_out + len(self.keys)
        return (
            f"{self.left_out} of {count} architectures are left out: they lack one of the {seeds} seeds that the "
            f"others have; gtn-nas truth --seeds {seeds} --architectures {count} trains them."
        )

    @property
    def validated(self) -> list[tuple[Architecture, float]]:
        """Every architecture with its mean validation accuracy."""
        return list(zip(self.architectures, self.validation.tolist(), strict=True))

    def without(self, keys: Collection[str]) -> TruthTable:
        """Return the table without some architectures, as those that a teacher was chosen by.

        Raises:
            UserError: none would be left.
        """
        kept = [number for number, key in enumerate(self.keys) if key not in keys]
        if not kept:
            raise UserError("every architecture of the truth table served to choose a teacher; give a larger table.")
        return self._only(kept)

    def counts(self, space: SearchSpace, task: Task) -> dict[str, npt.NDArray[np.float64]]:
        """Numbers of parameters and FLOPs, ``params`` and ``flops``, each ``[n]``."""
        costs = [space.cost(architecture, task) for architecture in self.architectures]
        return {name: np.array([float(getattr(cost, name)) for cost in costs]) for name in ("params", "flops")}

    def sample(self, count: int, seed: int) -> TruthTable:
        """Return ``count`` of the architectures, drawn at random (all where there are no more)."""
        chosen = np.sort(np.random.default_rng(seed).permutation(len(self.keys))[:count])
        return self._only(chosen.tolist())

    def _only(self, kept: list[int]) -> TruthTable:
        return replace(
            self,
            architectures=[self.architectures[number] for number in kept],
            keys=[self.keys[number] for number in kept],
            accuracies=self.accuracies[kept],
            validation=self.validation[kept],
        )

    @classmethod
    def load(
        cls, path: Path, space: SearchSpace, task: Task, wanted: Collection[tuple[str, int]] | None = None
    ) -> TruthTable:
        """Read the architectures of ``path`` that have every seed; of ``wanted`` (key, seed) alone, or of all.

        Raises:
            UserError: no such file, a line that is none, a table of another space, task or several recipes,
                or no architecture in it.
        """
        trainings = [one for one in read_trainings(path) if wanted is None or (one.key, one.seed) in wanted]
        for training in trainings:
            _check(training, path, space, task)
        if len({json.dumps(training.recipe, sort_keys=True) for training in trainings}) > 1:
            raise UserError(f"{path} mixes trainings of different recipes; make one table per recipe.")
        seeds = sorted({training.seed for training in trainings})
        found: dict[str, dict[int, Training]] = {}
        for training in trainings:
            found.setdefault(training.key, {})[training.seed] = training
        whole = {key: rows for key, rows in found.items() if len(rows) == len(seeds)}
        if not whole:
            raise UserError(f"{path} holds no architecture that was trained with every seed; run gtn-nas truth again.")
        rows = [[whole[key][seed] for seed in seeds] for key in sorted(whole)]  # whatever order they were made in
        return cls(
            architectures=[space.validate(row[0].architecture) for row in rows],
            keys=sorted(whole),
            accuracies=np.array([[training.test_accuracy for training in row] for row in rows]),
            seconds_per_training=float(np.median([training.cpu_seconds for row in rows for training in row])),
            recipe=trainings[0].recipe,
            validation=np.array([np.mean([training.validation_accuracy for training in row]) for row in rows]),
            left_out=len(found) - len(whole),
        )


def read_trainings(path: Path) -> list[Training]:
    """Read every whole line; a last line that a kill cut short is left out.

    Raises:
        UserError: no such file, or a line before the last that is not a training.
    """
    if not path.is_file():
        raise UserError(f"no truth table {path}; make one with gtn-nas truth --out {path}.")
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    trainings: list[Training] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            trainings.append(Training(**json.loads(line)))
        except (json.JSONDecodeError, TypeError) as error:
            if number == len(lines):  # not ended by a newline: the writer was killed
                break
            raise UserError(f"{path}, line {number} is not a finished training; remove the line.") from error
    return trainings


def ceiling(accuracies: npt.NDArray[np.float64]) -> Estimate | None:
    """Agreement of the truth with itself: Spearman between two halves of its seeds, over every way to halve them.

    Args:
        accuracies: ``[n, S]``. Returns None with a single seed.
    """
    seeds = accuracies.shape[1]
    if seeds < 2:
        return None
    halves = [_halves(accuracies, chosen) for chosen in combinations(range(seeds), seeds // 2)]
    found = [spearman(first, second) for first, second in halves]
    undefined = [estimate for estimate in found if estimate.value is None]
    if undefined:
        return undefined[0]
    # The interval is one split's: the splits share their data, so averaging would not narrow it.
    middle = sorted(found, key=lambda estimate: estimate.value or 0.0)[len(found) // 2]
    mean = float(np.mean([estimate.value for estimate in found]))
    return Estimate(mean, middle.low, middle.high)


def _halves(accuracies: npt.NDArray[np.float64], chosen: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    rest = [seed for seed in range(accuracies.shape[1]) if seed not in chosen]
    return accuracies[:, list(chosen)].mean(axis=1), accuracies[:, rest].mean(axis=1)


def _check(training: Training, path: Path, space: SearchSpace, task: Task) -> None:
    for what, theirs, mine in (
        ("space", training.space_fingerprint, space.fingerprint),
        ("task", training.task_fingerprint, task.fingerprint),
    ):
        if theirs != mine:
            raise UserError(
                f"{path} was made with another {what} (fingerprint {theirs}, here {mine}); "
                f"its space is {training.space!r}, its task {training.task!r}."
            )
