"""Where a proxy fails: its ranking within every class of a space, and classes that it misplaces as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from optuna.distributions import CategoricalDistribution
from scipy import stats

from gtn_nas.correlation.stats import spearman
from gtn_nas.space import Architecture, SearchSpace

__all__ = ["by_class"]

Values = npt.NDArray[np.float64]
_SMALLEST = 6  # architectures of a class, and of all others, below which nothing is said about it
_MISPLACED = 0.1  # of the field: shorter ways off are of no consequence
_LEVEL = 0.05  # of all classes' tests together
_RESAMPLES, _AT_ONCE = 4999, 5000
_QUARTERS = ("smallest quarter", "second quarter", "third quarter", "largest quarter")


def by_class(
    space: SearchSpace, architectures: Sequence[Architecture], scores: Values, truth: Values, params: Values
) -> list[dict[str, Any]]:
    """Return one entry for each value of each categorical parameter, and for each quarter by parameters.

    ``spearman``, ``ci95``: within the class. ``shift``: how much higher the proxy ranks the class than the truth does,
    the mean over its architectures as a share of all ranks; ``p``: of such a shift by chance, by permutation of
    membership. ``warning``: a sentence, where the class is ranked worse than all together beyond its interval, or
    where it is misplaced by a tenth of the field and more than chance explains (Bonferroni over all classes: the more
    there are, the more permutations are drawn, or the smallest possible ``p`` would not be small enough).

    Returns an empty list where the scores are not all defined.
    """
    if not np.isfinite(scores).all() or len(scores) < 2 * _SMALLEST:
        return []
    off = (stats.rankdata(scores) - stats.rankdata(truth)) / len(scores)
    whole = spearman(scores, truth).value
    classes = _classes(space, architectures, params)
    tested = [entry for entry in classes if _SMALLEST <= entry[2].sum() <= len(scores) - _SMALLEST]
    enough = math.ceil(20 * len(tested) / _LEVEL)  # a tenth of the level is the smallest p of all together
    entries = []
    for name, value, inside in tested:
        rho, shift = spearman(scores[inside], truth[inside]), float(off[inside].mean())
        p = float(
            stats.permutation_test(
                (off[inside], off[~inside]),
                lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
                vectorized=True,
                n_resamples=_RESAMPLES if abs(shift) < _MISPLACED else max(_RESAMPLES, enough),
                batch=_AT_ONCE,
                rng=np.random.default_rng(0),
            ).pvalue
        )
        warnings = []
        if whole is not None and rho.high is not None and rho.high < whole:
            warnings.append(f"ranked worse than the whole ({rho.value:.2f} against {whole:.2f})")
        if abs(shift) >= _MISPLACED and p * len(tested) < _LEVEL:
            warnings.append(f"placed too {'high' if shift > 0 else 'low'} by {abs(shift):.0%} of the field")
        entries.append(
            {
                "parameter": name, "value": value, "n": int(inside.sum()),
                "spearman": rho.value, "ci95": rho.ci95, "undefined": rho.undefined,
                "shift": shift, "p": p,
                "warning": f"{name} {value} is {' and '.join(warnings)}" if warnings else None,
            }
        )  # fmt: skip
    return entries


def _classes(
    space: SearchSpace, architectures: Sequence[Architecture], params: Values
) -> Iterator[tuple[str, str, npt.NDArray[np.bool_]]]:
    """Yield parameter, value, and which architectures ``[n]`` have it."""
    for name, distribution in space.parameters.items():
        if isinstance(distribution, CategoricalDistribution) and len(distribution.choices) > 1:
            values = np.array([str(architecture[name]) for architecture in architectures])
            for choice in distribution.choices:
                yield name, str(choice), values == str(choice)
    quarter = np.searchsorted(np.quantile(params, (0.25, 0.5, 0.75)), params, side="left")
    for index, words in enumerate(_QUARTERS):
        yield "size", words, quarter == index
