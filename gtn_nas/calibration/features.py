"""What the model is told of every architecture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from gtn_nas.space import Architecture, SearchSpace, encode

__all__ = ["Features"]

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Features:
    """Columns scaled as reference architectures are spread, which needs no accuracy of theirs."""

    space: SearchSpace
    scores: Mapping[str, _NormalScores]
    groups: Sequence[_Scaled]

    @classmethod
    def of(
        cls,
        space: SearchSpace,
        architectures: Sequence[Architecture],
        counts: Mapping[str, Values],
        scores: Mapping[str, Values],
    ) -> Features:
        """Learn the scales.

        Args:
            space: of the architectures.
            architectures: the n of reference.
            counts: positive sizes, as parameters and FLOPs, each ``[n]``; their logarithms are used.
            scores: of proxies, each ``[n]``; their ranks are used, spread as a normal distribution would be.
        """
        by_rank = {name: _NormalScores.of(values) for name, values in scores.items()}
        groups = _groups(space, architectures, counts, {name: by_rank[name](scores[name]) for name in scores})
        return cls(space, by_rank, [_Scaled.of(group) for group in groups])

    def __call__(
        self, architectures: Sequence[Architecture], counts: Mapping[str, Values], scores: Mapping[str, Values]
    ) -> Values:
        """Return ``[n, d]`` for the same counts and scores of any architectures; the scores' mean is the first column.

        It is constant without scores.
        """
        ranked = {name: of_one(scores[name]) for name, of_one in self.scores.items()}
        groups = _groups(self.space, architectures, counts, ranked)
        return np.concatenate([scale(group) for scale, group in zip(self.groups, groups, strict=True)], axis=1)


def _groups(
    space: SearchSpace,
    architectures: Sequence[Architecture],
    counts: Mapping[str, Values],
    ranked: Mapping[str, Values],
) -> list[Values]:
    each = list(ranked.values())
    trend = np.mean(each, axis=0) if each else np.zeros(len(architectures))
    columns = [trend, *(each if len(each) > 1 else []), *(np.log(values) for values in counts.values())]
    return [*(values[:, None] for values in columns), encode(space, architectures)]


@dataclass(frozen=True)
class _NormalScores:
    """From a score to its place among the reference's, as a quantile of the normal distribution.

    The score's own scale, which saturates or has outliers, is of no account, but beyond the reference's ends the
    quantiles go on with it: a search finds candidates that are better than all before.
    """

    values: Values
    quantiles: Values
    slope: float

    @classmethod
    def of(cls, reference: Values) -> _NormalScores:
        values, counts = np.unique(reference, return_counts=True)
        quantiles = ndtri((np.cumsum(counts) - counts / 2) / len(reference))  # of the middle of equal ones
        deviation = float(reference.std())
        return cls(values, quantiles, 1 / deviation if deviation else 0.0)

    def __call__(self, scores: Values) -> Values:
        within = np.interp(scores, self.values, self.quantiles)
        beyond = np.maximum(scores - self.values[-1], 0) + np.minimum(scores - self.values[0], 0)
        placed: Values = within + self.slope * beyond
        return placed


@dataclass(frozen=True)
class _Scaled:
    """Scales a group of columns to a variance of 1 in all; those that are constant in the reference are left out."""

    mean: Values
    factor: Values

    @classmethod
    def of(cls, columns: Values) -> _Scaled:
        deviation = columns.std(axis=0)
        varied = deviation > 0
        factor = np.zeros_like(deviation)
        factor[varied] = 1 / deviation[varied] / max(1, varied.sum()) ** 0.5
        return cls(columns.mean(axis=0), factor)

    def __call__(self, columns: Values) -> Values:
        scaled: Values = (columns - self.mean) * self.factor
        return scaled
