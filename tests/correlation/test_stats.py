"""Rank statistics: known answers, and cases that have none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gtn_nas.correlation import kendall, precision_at, regret_at, spearman, spearman_difference


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
    for found in (spearman(a, b), kendall(a, b), spearman_difference(a, b, b), spearman_difference(b, a, b)):
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
