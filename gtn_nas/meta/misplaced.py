"""Sampling that favours what is ranked badly: whom a lesson places too low teaches it whom to draw more often."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from gtn_nas.space import Architecture, SearchSpace, encode

__all__ = ["Look", "Odds", "misplaced", "odds_by_place"]

Values = npt.NDArray[np.float64]
Odds = Callable[[Sequence[Architecture]], Values]  # how often candidates [n] are chosen, relative to one another
_SHARPNESS = 2.0  # a standard deviation too low makes an architecture e² times as likely


@dataclass(frozen=True)
class Look:
    """How far too low a lesson placed every architecture of a table, ``outer_steps`` into the training."""

    outer_steps: int
    misplaced: tuple[float, ...]


def misplaced(losses: Sequence[float], accuracies: Sequence[float]) -> tuple[float, ...]:
    """Return by what share of all places each architecture stands too low when lower losses stand higher.

    Shares are negative where it stands too high; equal ones share their places, and a loss that is not finite stands
    lowest.
    """
    lost = [loss if math.isfinite(loss) else math.inf for loss in losses]
    places: Values = rankdata(accuracies) - rankdata([-loss for loss in lost])
    return tuple((places / len(places)).tolist())


def odds_by_place(space: SearchSpace, known: Sequence[Architecture], misplaced: Sequence[float]) -> Odds:
    """Return odds that rise with how far too low an architecture is expected to stand.

    It is expected by Bayesian ridge regression on the parameters' values, whose strength follows from the evidence:
    where they say nothing, all are as likely.

    Args:
        space: of all architectures.
        known: architectures ``[n]`` whose places were looked at.
        misplaced: what :func:`misplaced` found of them.
    """
    from sklearn.linear_model import BayesianRidge  # a second that other trainings need not wait for

    spread = float(np.std(misplaced))
    if spread == 0:  # a perfect order, or nothing that could be told apart
        return lambda candidates: np.ones(len(candidates))
    model = BayesianRidge().fit(encode(space, known), np.asarray(misplaced) / spread)

    def odds(candidates: Sequence[Architecture]) -> Values:
        expected: Values = model.predict(encode(space, candidates))
        shares: Values = np.exp(_SHARPNESS * (expected - expected.max()))
        return shares

    return odds
