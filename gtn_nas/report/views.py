"""What a report is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Report", "SearchView", "TeacherView"]


@dataclass(frozen=True)
class TeacherView:
    """A frozen teacher and how it came about.

    Attributes:
        images: ``[T, B, C, H, W]`` pixels; clipped to 0-1 when drawn.
        labels: ``[T, B]`` class numbers.
        schedule: learned hyperparameter → its T values, one for each inner step.
        curve: ``number``, ``loss``, ``accuracy`` and ``seconds`` (its own) of each outer step.
        card: the content of ``teacher.json``.
    """

    images: npt.NDArray[Any]
    labels: npt.NDArray[np.integer[Any]]
    schedule: Mapping[str, Sequence[float]]
    curve: Sequence[Mapping[str, float]]
    card: Mapping[str, object]


@dataclass(frozen=True)
class SearchView:
    """A search's history and its verified finds.

    Attributes:
        trials: ``number``, ``value`` (None when it failed), ``seconds``, ``params``, ``state`` (``COMPLETE``
            or ``FAIL``) and ``architecture`` of each trial.
        verified: ``number``, ``value`` (proxy score), ``validation_accuracy``, ``test_accuracy``,
            ``seconds`` and ``architecture`` of each really trained find, the best first.
    """

    trials: Sequence[Mapping[str, Any]]
    verified: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Report:
    """A title, the content of ``correlation.json`` and, where there are any, a teacher and a search."""

    title: str
    correlation: Mapping[str, Any]
    teacher: TeacherView | None = None
    search: SearchView | None = None
