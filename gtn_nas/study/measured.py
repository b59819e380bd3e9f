"""The results of a study by what was measured: every figure of every variant, over seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gtn_nas.study.run import Row

__all__ = ["Curve", "Measured"]

Curve = list[tuple[float, float, float, float]]  # x, mean, lowest and highest over seeds


@dataclass(frozen=True)
class Measured:
    """Rows, and figures that were derived from several of them.

    A figure of a run is one of its numbers, or a point of one of its curves by its x, as in ``put_right.noise@1.6``.
    """

    rows: Sequence[Row]
    derived: Mapping[tuple[str, str], Sequence[float]]

    def values(self, variant: str, figure: str) -> list[float]:
        """Return a figure of a variant, one value for each seed; none where it was not measured."""
        found = [value for row in self._of(variant) if (value := _value(row, figure)) is not None]
        return found or list(self.derived.get((variant, figure), ()))

    def differences(self, variant: str, first: str, second: str) -> list[float]:
        """Return one figure less another of the same run, of all runs of a variant that have both."""
        pairs = [(_value(row, first), _value(row, second)) for row in self._of(variant)]
        return [one - other for one, other in pairs if one is not None and other is not None]

    def sums_up(self, variant: str, figure: str) -> bool:
        """Whether a figure follows from all runs together, and so has no seeds."""
        return (variant, figure) in self.derived

    @property
    def variants(self) -> list[str]:
        """Variants that have results, in their order."""
        return list(dict.fromkeys(row.variant for row in self.rows if row.failure is None))

    @property
    def figures(self) -> list[str]:
        """Names of all figures of runs."""
        return _names(row.figures for row in self.rows)

    @property
    def series(self) -> list[str]:
        """Names of all curves."""
        return _names(row.series for row in self.rows)

    @property
    def samples(self) -> list[str]:
        """Names of all distributions."""
        return _names(row.samples for row in self.rows)

    def curve(self, variant: str, name: str) -> Curve:
        """Return the curve of a variant, its mean and its range over seeds where they share the x."""
        points: dict[float, list[float]] = {}
        for row in self._of(variant):
            for x, y in row.series.get(name, []):
                if math.isfinite(y):
                    points.setdefault(x, []).append(y)
        return [(x, float(np.mean(ys)), min(ys), max(ys)) for x, ys in sorted(points.items())]

    def sample(self, variant: str, name: str) -> list[float]:
        """Return the distribution of a variant, all seeds together."""
        return [value for row in self._of(variant) for value in row.samples.get(name, [])]

    def _of(self, variant: str) -> list[Row]:
        return [row for row in self.rows if row.variant == variant and row.failure is None]


def _value(row: Row, figure: str) -> float | None:
    if figure in row.figures:
        return row.figures[figure]
    name, _, place = figure.partition("@")
    return next((y for x, y in row.series.get(name, ()) if f"{x:.4g}" == place), None)


def _names(mappings: Iterable[Mapping[str, object]]) -> list[str]:
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))
