"""What a few true accuracies add to a proxy: Spearman on the other architectures, against how many were trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata, spearmanr

from gtn_nas.calibration import Calibration, Features
from gtn_nas.correlation.truth import TruthTable
from gtn_nas.space import SearchSpace

__all__ = ["LEAST_OTHERS", "TRAINED", "calibration_curve"]

Values = npt.NDArray[np.float64]
TRAINED = (16, 24, 48)  # architectures that a user may have trained anyway
LEAST_OTHERS = 12  # architectures to predict, below which a rank correlation says little
_DRAWS = 20  # random choices of the trained ones


def calibration_curve(
    space: SearchSpace, table: TruthTable, scores: Mapping[str, Values], counts: Mapping[str, Values]
) -> list[dict[str, Any]]:
    """Fit to K random architectures and rank the others, many times, for every K that the table allows.

    Args:
        space: of the table.
        table: the true accuracies.
        scores: of proxies, each ``[n]``, all finite; the first is the one to be improved on.
        counts: what is known of every architecture without a score, each ``[n]``, as parameters and FLOPs.

    Returns, for each K: means over draws of Spearman on the others by the first score as it is (``raw``), by the
    model (``calibrated``) and by the same model without scores (``without``), each with the middle 95 % of the
    draws; and the share of others whose accuracy lies within the model's own 95 % interval (``covered``).
    """
    with_score, without = (
        Features.of(space, table.architectures, counts, used)(table.architectures, counts, used)
        for used in (scores, {})
    )
    truth, size, raw = table.mean, len(table.keys), next(iter(scores.values()))
    rows = []
    for trained in TRAINED:
        if size - trained < LEAST_OTHERS:
            break
        found: dict[str, list[float]] = {"raw": [], "calibrated": [], "without": [], "gain": []}
        covered: list[float] = []
        for draw in range(_DRAWS):
            order = np.random.default_rng(draw).permutation(size)
            known, others = order[:trained], order[trained:]
            prediction = Calibration.fit(with_score[known], truth[known]).predict(with_score[others])
            bare = Calibration.fit(without[known], truth[known]).predict(without[others])
            found["raw"].append(_agreement(raw[others], truth[others]))
            found["calibrated"].append(_agreement(prediction.accuracy, truth[others]))
            found["without"].append(_agreement(bare.accuracy, truth[others]))
            found["gain"].append(found["calibrated"][-1] - found["raw"][-1])
            covered.append(float(np.mean((prediction.low <= truth[others]) & (truth[others] <= prediction.high))))
        rows.append(
            {
                "trained": trained,
                "others": size - trained,
                "draws": _DRAWS,
                **{name: _summary(values) for name, values in found.items()},
                "covered": float(np.mean(covered)),
            }
        )
    return rows


def _agreement(values: Values, truth: Values) -> float:
    """Spearman; 0 for a prediction that is the same for all, which orders nothing."""
    return 0.0 if np.ptp(values) == 0 else float(spearmanr(rankdata(values), truth).statistic)


def _summary(values: list[float]) -> dict[str, Any]:
    low, high = np.quantile(values, (0.025, 0.975))
    return {"spearman": float(np.mean(values)), "spread95": [float(low), float(high)]}
