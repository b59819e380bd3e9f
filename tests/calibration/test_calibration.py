"""A few true accuracies improve a score; the model says how unsure it is, and refuses what it cannot use."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.special import expit
from scipy.stats import spearmanr
from torch import nn

from gtn_nas.calibration import LEAST_TRAINED, Calibration, encode, features
from gtn_nas.errors import UserError
from gtn_nas.space import Architecture, ImageTask, SearchSpace
from search_spaces.cnn_small import CnnSmall


class Mixed(SearchSpace):
    """One parameter of each kind."""

    name = "mixed"
    parameters: ClassVar[dict[str, BaseDistribution]] = {
        "kind": CategoricalDistribution(("a", "b", True)),
        "depth": IntDistribution(1, 5),
        "width": IntDistribution(1, 100, log=True),
        "rate": FloatDistribution(0.0, 2.0),
        "fixed": IntDistribution(3, 3),
    }

    def build(self, architecture: Architecture, task: ImageTask) -> nn.Module:
        return nn.Identity()


def problem(count: int = 80, seed: int = 0) -> tuple[list[Architecture], dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Networks whose accuracy follows a score, except that the score is too kind to those without normalisation."""
    space, rng = CnnSmall(), np.random.default_rng(seed)
    architectures = space.sample_many(count, seed)
    merit = rng.normal(size=count)
    unnormalised = np.array([architecture["norm"] == "none" for architecture in architectures], dtype=float)
    accuracy = expit(2 + 0.5 * merit - unnormalised + 0.05 * rng.normal(size=count))
    score = merit + 0.1 * rng.normal(size=count)
    return architectures, {"params": rng.uniform(1e3, 1e5, count)}, score, accuracy


def test_architectures_become_numbers() -> None:
    rows = [
        {"kind": "b", "depth": 1, "width": 10, "rate": 0.5, "fixed": 3},
        {"kind": True, "depth": 5, "width": 100, "rate": 2.0, "fixed": 3},
    ]
    found = encode(Mixed(), rows)
    assert found == pytest.approx(np.array([[0, 1, 0, 0, 0.5, 0.25, 0], [0, 0, 1, 1, 1, 1, 0]]))


def test_a_calibrated_score_ranks_better_on_other_architectures() -> None:
    architectures, counts, score, accuracy = problem()
    table = features(CnnSmall(), architectures, counts, {"score": score})
    prediction = Calibration.fit(table[:24], accuracy[:24]).predict(table[24:])
    raw = spearmanr(score[24:], accuracy[24:]).statistic
    calibrated = spearmanr(prediction.accuracy, accuracy[24:]).statistic
    assert calibrated > raw + 0.05
    assert calibrated > 0.9


def test_the_interval_holds_what_it_says() -> None:
    covered = []
    for seed in range(6):
        architectures, counts, score, accuracy = problem(seed=seed)
        table = features(CnnSmall(), architectures, counts, {"score": score})
        found = Calibration.fit(table[:48], accuracy[:48]).predict(table[48:])
        assert ((found.low < found.accuracy) & (found.accuracy < found.high)).all()
        assert ((found.low > 0) & (found.high < 1)).all()
        covered.append(np.mean((found.low <= accuracy[48:]) & (accuracy[48:] <= found.high)))
    assert 0.85 < np.mean(covered) <= 1


def test_only_the_order_of_scores_matters() -> None:
    architectures, counts, score, accuracy = problem()
    plain = features(CnnSmall(), architectures, counts, {"score": score})
    bent = features(CnnSmall(), architectures, counts, {"score": np.exp(3 * score)})
    assert plain == pytest.approx(bent)
    assert np.isfinite(Calibration.fit(plain[:16], accuracy[:16]).predict(plain).accuracy).all()


def test_what_cannot_be_fitted_is_refused() -> None:
    architectures, counts, score, accuracy = problem()
    table = features(CnnSmall(), architectures, counts, {"score": score})
    with pytest.raises(UserError, match=f"at least {LEAST_TRAINED} architectures"):
        Calibration.fit(table[:7], accuracy[:7])
    accuracy[3] = np.nan
    with pytest.raises(UserError, match="finite scores and accuracies"):
        Calibration.fit(table[:16], accuracy[:16])
