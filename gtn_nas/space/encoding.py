"""Architectures as numbers: what a small model may know of a network besides its scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from gtn_nas.space.base import Architecture, SearchSpace

__all__ = ["encode"]


def encode(space: SearchSpace, architectures: Sequence[Architecture]) -> npt.NDArray[np.float64]:
    """Return ``[n, d]``: a column for each choice of a category, and one in 0 to 1 for each number.

    Numbers that are drawn on a logarithmic scale are encoded on it.
    """
    return np.array([_row(space, architecture) for architecture in architectures], dtype=np.float64)


def _row(space: SearchSpace, architecture: Architecture) -> list[float]:
    row: list[float] = []
    for name, distribution in space.parameters.items():
        value = architecture[name]
        if isinstance(distribution, CategoricalDistribution):
            row += [float(type(value) is type(choice) and value == choice) for choice in distribution.choices]
        else:
            assert isinstance(distribution, IntDistribution | FloatDistribution)
            assert not isinstance(value, str)
            low, high, own = float(distribution.low), float(distribution.high), float(value)
            if distribution.log:
                low, high, own = math.log(low), math.log(high), math.log(own)
            row.append((own - low) / (high - low) if high > low else 0.0)
    return row
