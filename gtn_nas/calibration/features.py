"""What the model is told of every architecture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import norm, rankdata

from gtn_nas.calibration.encoding import encode
from gtn_nas.space import Architecture, SearchSpace

__all__ = ["features"]

Values = npt.NDArray[np.float64]
_SCORES_WEIGHT = 3.0  # a score says more than a size, or than all choices of the architecture together


def features(
    space: SearchSpace,
    architectures: Sequence[Architecture],
    counts: Mapping[str, Values],
    scores: Mapping[str, Values],
) -> Values:
    """Return ``[n, d]``, to be used together: every column is scaled over these n, which needs no accuracy.

    Args:
        space: of the architectures.
        architectures: those trained and those to be predicted.
        counts: positive sizes, as parameters and FLOPs, each ``[n]``; their logarithms are used.
        scores: of proxies, each ``[n]``; their ranks are used, spread as a normal distribution would be.
    """
    groups = [_SCORES_WEIGHT * _scaled(_normal(values)) for values in scores.values()]
    groups += [_scaled(np.log(values)) for values in counts.values()]
    return np.concatenate([*groups, _scaled(encode(space, architectures))], axis=1)


def _normal(values: Values) -> Values:
    """Normal scores: a score's own scale, which saturates or has outliers, is of no account."""
    spread: Values = norm.ppf((rankdata(values) - 0.5) / len(values))
    return spread


def _scaled(group: Values) -> Values:
    """Scale a group of columns to a variance of 1 in all; columns that are constant are left out."""
    columns = group.reshape(len(group), -1)
    deviation = columns.std(axis=0)
    columns = (columns - columns.mean(axis=0))[:, deviation > 0] / deviation[deviation > 0]
    scaled: Values = columns / max(1.0, columns.shape[1]) ** 0.5
    return scaled
