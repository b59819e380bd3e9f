"""Spearman on other architectures against how many were trained for real."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import expit

from gtn_nas.correlation import TruthTable
from gtn_nas.correlation.calibrated import LEAST_OTHERS, calibration_curve
from search_spaces.cnn_small import CnnSmall

SPACE = CnnSmall()


def make(count: int) -> tuple[TruthTable, dict[str, np.ndarray], np.ndarray]:
    """Return a table whose accuracies follow a score that is too kind to networks without normalisation."""
    rng = np.random.default_rng(0)
    architectures = SPACE.sample_many(count, 0)
    score = rng.normal(size=count)
    accuracy = expit(2 + 0.5 * score - np.array([a["norm"] == "none" for a in architectures]))
    keys = [SPACE.key(architecture) for architecture in architectures]
    table = TruthTable(architectures, keys, accuracy[:, None], 1.0, {}, accuracy)
    return table, {"params": rng.uniform(1e3, 1e5, count)}, score


def test_more_real_trainings_rank_the_others_better() -> None:
    table, counts, score = make(72)
    curve = calibration_curve(SPACE, table, {"gtn": score}, counts)
    assert [(row["trained"], row["others"]) for row in curve] == [(16, 56), (24, 48), (48, 24)]
    json.dumps(curve, allow_nan=False)
    gains = [row["gain"]["spearman"] for row in curve]
    assert gains == sorted(gains)
    assert gains[-1] > 0.05
    for row in curve:
        assert row["calibrated"]["spearman"] - row["raw"]["spearman"] == pytest.approx(row["gain"]["spearman"])
        assert row["without"]["spearman"] < row["calibrated"]["spearman"]
        assert 0.8 < row["covered"] <= 1


def test_a_small_table_leaves_others_enough_to_rank() -> None:
    table, counts, score = make(16 + LEAST_OTHERS)
    assert [row["trained"] for row in calibration_curve(SPACE, table, {"gtn": score}, counts)] == [16]
    table, counts, score = make(15 + LEAST_OTHERS)
    assert calibration_curve(SPACE, table, {"gtn": score}, counts) == []


def test_a_score_that_says_nothing_is_worth_nothing() -> None:
    table, counts, _ = make(60)
    noise = np.random.default_rng(1).normal(size=60)
    for row in calibration_curve(SPACE, table, {"gtn": noise}, counts):
        assert abs(row["raw"]["spearman"]) < 0.25
        assert row["calibrated"]["spearman"] < row["without"]["spearman"] + 0.1
