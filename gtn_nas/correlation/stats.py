"""Rank statistics with intervals, by scipy; what is not defined is None with a reason, never a number."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import stats

__all__ = [
    "TOP_SHARES",
    "Estimate",
    "kendall",
    "partial_spearman",
    "precision_at",
    "regret_at",
    "spearman",
    "spearman_difference",
    "top_spearman",
    "weighted_tau",
    "why_undefined",
]

Values = npt.NDArray[np.float64]
RESAMPLES = 2000
SLOW_RESAMPLES = 500  # of statistics that are computed one resample at a time
LEAST = 4  # observations below which a rank correlation says nothing
TOP_SHARES = (0.5, 0.1)  # of the architectures, that a ranking must get right to be of use


@dataclass(frozen=True)
class Estimate:
    """A statistic with its 95 % interval; ``undefined`` says why when there is no value.

    ``p``: two-sided p-value, of a difference alone.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    undefined: str | None = None
    p: float | None = None

    @property
    def ci95(self) -> list[float] | None:
        """``[low, high]``, None where there is no interval."""
        return None if self.low is None or self.high is None else [self.low, self.high]


def why_undefined(*sides: Values) -> str | None:
    """Return the reason why a rank correlation of these equally long sides is not defined, None if it is."""
    if len(sides[0]) < LEAST:
        return f"fewer than {LEAST} architectures"
    for side in sides:
        if not np.isfinite(side).all():
            return "a score is not finite"
        if np.ptp(side) == 0:
            return "all scores are equal"
    return None


def spearman(x: Values, y: Values, seed: int = 0) -> Estimate:
    """Spearman's ρ of ``x`` and ``y`` ``[n]`` with a paired bootstrap interval (BCa; Efron, 1987)."""
    reason = why_undefined(x, y)
    if reason is not None:
        return Estimate(None, undefined=reason)
    return _with_interval(float(stats.spearmanr(x, y).statistic), (x, y), _rank_correlation, seed)


def spearman_difference(x: Values, rival: Values, y: Values, seed: int = 0) -> Estimate:
    """ρ(x, y) - ρ(rival, y) on the same architectures, with a paired bootstrap interval and a permutation p-value.

    The p-value is for proxies that could change places: ranks by ``x`` and by ``rival`` are swapped at random,
    architecture by architecture.
    """
    reason = why_undefined(x, rival, y)
    if reason is not None:
        return Estimate(None, undefined=reason)

    def difference(a: Values, b: Values, truth: Values, axis: int = -1) -> Values:
        return _rank_correlation(a, truth, axis=axis) - _rank_correlation(b, truth, axis=axis)

    found = _with_interval(float(difference(x, rival, y)), (x, rival, y), difference, seed)
    p = stats.permutation_test(
        (stats.rankdata(x), stats.rankdata(rival)),
        lambda a, b, axis: difference(a, b, np.broadcast_to(y, a.shape), axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(seed),
    ).pvalue
    return replace(found, p=float(p))


def kendall(x: Values, y: Values, seed: int = 0) -> Estimate:
    """Kendall's τ-b, which counts ties on either side."""
    return _of_pairs(lambda a, b: float(stats.kendalltau(a, b, variant="b").statistic), x, y, seed)


def weighted_tau(x: Values, y: Values, seed: int = 0) -> Estimate:
    """Weighted τ (Vigna, 2015): exchanges among the best count most, hyperbolically by both sides' ranks."""
    return _of_pairs(lambda a, b: float(stats.weightedtau(a, b).statistic), x, y, seed)


def top_spearman(x: Values, y: Values, by: Values, share: float, seed: int = 0) -> Estimate:
    """Spearman's ρ of the architectures that are the best ``share`` by ``by``: the truth, or the score itself.

    Those that tie with the last of them belong to them.
    """
    reason = why_undefined(x, y, by)
    if reason is not None:
        return Estimate(None, undefined=reason)

    def top(a: Values, b: Values, c: Values) -> float:
        best = c >= np.sort(c)[-max(1, round(share * len(c)))]
        return float(_rank_correlation(a[best], b[best]))

    size = round(share * len(x))
    if size < LEAST:
        return Estimate(None, undefined=f"the best {share:.0%} are fewer than {LEAST} architectures")
    value = top(x, y, by)
    if math.isnan(value):
        return Estimate(None, undefined=f"all scores of the best {share:.0%} are equal")
    return _with_interval(value, (x, y, by), top, seed, vectorized=False)


def partial_spearman(x: Values, y: Values, given: Values, seed: int = 0) -> Estimate:
    """Spearman's ρ of what ``given`` does not explain: partial correlation of ranks (Kendall, 1942)."""
    reason = why_undefined(x, y, given)
    if reason is not None:
        return Estimate(None, undefined=reason)

    def partial(a: Values, b: Values, c: Values, axis: int = -1) -> Values:
        ab, ac, bc = (_rank_correlation(p, q, axis=axis) for p, q in ((a, b), (a, c), (b, c)))
        with np.errstate(invalid="ignore", divide="ignore"):
            rho: Values = (ab - ac * bc) / np.sqrt((1 - ac**2) * (1 - bc**2))
        return rho

    value = float(partial(x, y, given))
    if not math.isfinite(value):
        return Estimate(None, undefined="one side's ranks follow from those of what is given")
    return _with_interval(value, (x, y, given), partial, seed)


def precision_at(x: Values, y: Values, k: int) -> float | None:
    """Fraction of the ``k`` best by score ``x`` that are among the ``k`` best by truth ``y``.

    Ties at the border count by chance: the expected fraction when tied entries are ordered at random.
    """
    if len(x) < k or why_undefined(x, y) is not None:
        return None
    return float(_membership(x, k) @ _membership(y, k)) / k


def regret_at(x: Values, y: Values, k: int) -> float | None:
    """Accuracy lost by trusting ``x``: best truth of all minus best truth among the ``k`` best by ``x``."""
    if len(x) < k or why_undefined(x, y) is not None:
        return None
    top = np.argsort(-x, kind="stable")[:k]
    return float(y.max() - y[top].max())


def _membership(values: Values, k: int) -> Values:
    """Probability of each entry to be among the k largest, ties broken at random ``[n]``."""
    border = np.sort(values)[-k]
    above, at = values > border, values == border
    probability: Values = above + at * ((k - above.sum()) / at.sum())
    return probability


def _rank_correlation(x: Values, y: Values, axis: int = -1) -> Values:
    """Spearman's ρ along ``axis`` for a stack of samples; NaN where a resample is constant."""
    a, b = stats.rankdata(x, axis=axis), stats.rankdata(y, axis=axis)
    a, b = a - a.mean(axis=axis, keepdims=True), b - b.mean(axis=axis, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        rho: Values = (a * b).sum(axis=axis) / np.sqrt((a * a).sum(axis=axis) * (b * b).sum(axis=axis))
    return rho


def _of_pairs(statistic: Callable[[Values, Values], float], x: Values, y: Values, seed: int) -> Estimate:
    reason = why_undefined(x, y)
    if reason is not None:
        return Estimate(None, undefined=reason)
    return _with_interval(statistic(x, y), (x, y), statistic, seed, vectorized=False)


def _with_interval(
    value: float, samples: tuple[Values, ...], statistic: object, seed: int, vectorized: bool = True
) -> Estimate:
    with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)  # all resamples equal: no interval, see below
        found = stats.bootstrap(
            samples,
            statistic,
            paired=True,
            vectorized=vectorized,
            n_resamples=RESAMPLES if vectorized else SLOW_RESAMPLES,
            method="BCa",
            rng=np.random.default_rng(seed),
        ).confidence_interval
    low, high = float(found.low), float(found.high)
    if math.isnan(low) or math.isnan(high):
        return Estimate(value)
    return Estimate(value, low, high)
