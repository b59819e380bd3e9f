"""Rank statistics: known answers, and cases that have none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gtn_nas.correlation import (
    kendall,
    partial_spearman,
    precision_at,
    regret_at,
    spearman,
    spearman_difference,
    top_spearman,
    weighted_tau,
)


def made(n: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=n)
    return truth + noise * rng.normal(size=n), truth


def test_known_answers() -> None:
    x, y = np.array([1.0, 2, 3, 4, 5]), np.array([5.0, 6, 7, 8, 7])
    assert spearman(x, y).value == pytest.approx(0.8207826816681233)
    assert kendall(x, y).value == pytest.approx(0.7378647873726218)
    assert spearman(x, x**3).value == pytest.approx(1.0)
    assert spearman(x, -x).value == pytest.approx(-1.0)


def test_interval_holds_the_value_and_narrows_with_n() -> None:
    widths = []
    for n in (20, 200):
        found = spearman(*made(n, 1.0))
        assert found.low < found.value < found.high
        widths.append(found.high - found.low)
    assert widths[1] < 0.6 * widths[0]


def test_interval_covers_the_true_correlation() -> None:
    population = stats.spearmanr(*made(200_000, 1.0)).statistic
    covered = sum((f := spearman(*made(40, 1.0, seed))).low <= population <= f.high for seed in range(40))
    assert covered >= 34  # 95 % nominal, 40 draws


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        ([1, 2, 3], [1, 2, 3], "fewer than 4"),
        ([], [], "fewer than 4"),
        ([1, 1, 1, 1], [1, 2, 3, 4], "all scores are equal"),
        ([1, 2, 3, 4], [7, 7, 7, 7], "all scores are equal"),
        ([1, 2, np.nan, 4], [1, 2, 3, 4], "not finite"),
        ([1, 2, np.inf, 4], [1, 2, 3, 4], "not finite"),
    ],
)
def test_undefined_is_said_not_guessed(x: list[float], y: list[float], reason: str) -> None:
    a, b = np.array(x, dtype=float), np.array(y, dtype=float)
    for found in (
        spearman(a, b),
        kendall(a, b),
        weighted_tau(a, b),
        top_spearman(a, b, b, 1.0),
        partial_spearman(a, b, b),
        spearman_difference(a, b, b),
        spearman_difference(b, a, b),
    ):
        assert found.value is None
        assert found.ci95 is None
        assert reason in (found.undefined or "")


def test_ties_are_averaged() -> None:
    x, y = np.array([1.0, 1, 2, 2, 3, 3]), np.array([1.0, 2, 3, 4, 5, 6])
    assert spearman(x, y).value == pytest.approx(stats.pearsonr(stats.rankdata(x), y).statistic)


def test_paired_difference_sees_what_unpaired_intervals_cannot() -> None:
    better, truth = made(60, 0.5)
    worse = better + 0.5 * np.random.default_rng(1).normal(size=60)
    found = spearman_difference(better, worse, truth)
    assert found.value == pytest.approx(spearman(better, truth).value - spearman(worse, truth).value)
    apart = spearman(better, truth).low - spearman(worse, truth).high
    assert apart < 0 < found.low
    assert spearman_difference(better, better, truth).value == 0


def test_a_difference_by_chance_has_a_large_p_and_a_real_one_a_small_one() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=60)
    good, alike, bad = (truth + noise * rng.normal(size=60) for noise in (0.5, 0.5, 3.0))
    assert spearman_difference(good, alike, truth).p > 0.2
    assert spearman_difference(good, bad, truth).p < 0.01
    assert spearman_difference(good, good, truth).p == 1


def test_p_values_are_uniform_where_nothing_differs() -> None:
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        truth = rng.normal(size=30)
        found.append(spearman_difference(truth + rng.normal(size=30), truth + rng.normal(size=30), truth).p)
    assert np.mean(np.array(found) < 0.1) < 0.25
    assert 0.3 < np.mean(found) < 0.7


def test_weighted_tau_minds_the_best_most() -> None:
    truth = np.arange(10.0)
    top, bottom = truth.copy(), truth.copy()
    top[[8, 9]], bottom[[0, 1]] = top[[9, 8]], bottom[[1, 0]]
    assert kendall(top, truth).value == pytest.approx(kendall(bottom, truth).value)
    assert weighted_tau(top, truth).value < weighted_tau(bottom, truth).value
    assert weighted_tau(truth, truth).value == pytest.approx(1)


def test_top_shares_look_at_the_best_alone() -> None:
    x, y = made(100, 0.5)
    best = y >= np.sort(y)[50]
    expected = stats.spearmanr(x[best], y[best]).statistic
    found = top_spearman(x, y, y, 0.5)
    assert found.value == pytest.approx(expected)
    assert found.low < expected < found.high
    assert found.value < spearman(x, y).value  # a narrower range is harder to rank
    assert top_spearman(x, y, y, 0.1).value == pytest.approx(
        stats.spearmanr(x[y >= np.sort(y)[90]], y[y >= np.sort(y)[90]]).statistic
    )
    assert "fewer than 4" in (top_spearman(x[:20], y[:20], y[:20], 0.1).undefined or "")
    tied = np.where(y >= np.median(y), 1.0, y)
    assert "all scores of the best 50%" in (top_spearman(tied, y, tied, 0.5).undefined or "")


def test_partial_correlation_leaves_out_what_size_explains() -> None:
    rng = np.random.default_rng(0)
    size = rng.normal(size=200)
    truth = size + 0.5 * rng.normal(size=200)
    copy = size + 0.5 * rng.normal(size=200)  # knows nothing but size
    assert spearman(copy, truth).value > 0.6
    assert abs(partial_spearman(copy, truth, size).value) < 0.15
    knows = truth + 0.1 * rng.normal(size=200)
    found = partial_spearman(knows, truth, size)
    assert found.value > 0.9
    assert found.low < found.value < found.high
    ranks = [stats.rankdata(side) for side in (copy, truth, size)]
    residual = [one - np.polyval(np.polyfit(ranks[2], one, 1), ranks[2]) for one in ranks[:2]]
    assert partial_spearman(copy, truth, size).value == pytest.approx(stats.pearsonr(*residual).statistic)
    assert "follow from" in (partial_spearman(size, truth, size).undefined or "")


def test_precision_and_regret() -> None:
    truth = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    assert precision_at(truth, truth, 2) == 1
    assert precision_at(-truth, truth, 2) == 0
    assert precision_at(np.array([1.0, 0, 0, 0, 0]), truth, 2) == pytest.approx(0.5 * (1 + 0.25))  # ties by chance
    assert precision_at(np.zeros(5), truth, 2) is None
    assert regret_at(np.zeros(5), truth, 1) is None
    assert regret_at(truth, truth, 1) == 0
    assert regret_at(np.array([0.0, 0, 1, 0, 0]), truth, 1) == pytest.approx(0.2)
    assert precision_at(truth, truth, 6) is None
    assert regret_at(np.array([np.nan, 1, 2, 3, 4]), truth, 1) is None
