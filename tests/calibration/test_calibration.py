"""A few true accuracies improve a score; the model says how unsure it is, and refuses what it cannot use."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.special import expit, logit
from scipy.stats import spearmanr
from torch import nn

from gtn_nas.calibration import LEAST_TRAINED, Calibrated, Calibration, Features, Known
from gtn_nas.errors import UserError
from gtn_nas.proxy import Proxy, See
from gtn_nas.space import Architecture, ImageTask, SearchSpace, encode
from gtn_nas.task import Task
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


def columns(
    architectures: list[Architecture], counts: dict[str, np.ndarray], scores: dict[str, np.ndarray]
) -> np.ndarray:
    return Features.of(CnnSmall(), architectures, counts, scores)(architectures, counts, scores)


def test_architectures_become_numbers() -> None:
    rows = [
        {"kind": "b", "depth": 1, "width": 10, "rate": 0.5, "fixed": 3},
        {"kind": True, "depth": 5, "width": 100, "rate": 2.0, "fixed": 3},
    ]
    found = encode(Mixed(), rows)
    assert found == pytest.approx(np.array([[0, 1, 0, 0, 0.5, 0.25, 0], [0, 0, 1, 1, 1, 1, 0]]))


@pytest.mark.parametrize(("trained", "gain"), [(8, -0.01), (16, 0.01), (32, 0.1)])
def test_a_calibrated_score_ranks_better_on_other_architectures(trained: int, gain: float) -> None:
    """Few trainings do no harm, more of them find out what the score does not know."""
    gains = []
    for seed in range(6):
        architectures, counts, score, accuracy = problem(seed=seed)
        table = columns(architectures, counts, {"score": score})
        prediction = Calibration.fit(table[:trained], accuracy[:trained]).predict(table[trained:])
        raw = spearmanr(score[trained:], accuracy[trained:]).statistic
        gains.append(spearmanr(prediction.accuracy, accuracy[trained:]).statistic - raw)
    assert np.mean(gains) > gain


def test_the_interval_holds_what_it_says() -> None:
    covered = []
    for seed in range(6):
        architectures, counts, score, accuracy = problem(seed=seed)
        table = columns(architectures, counts, {"score": score})
        found = Calibration.fit(table[:48], accuracy[:48]).predict(table[48:])
        assert ((found.low < found.accuracy) & (found.accuracy < found.high)).all()
        assert ((found.low > 0) & (found.high < 1)).all()
        covered.append(np.mean((found.low <= accuracy[48:]) & (accuracy[48:] <= found.high)))
    assert 0.85 < np.mean(covered) <= 1


def test_only_the_order_of_scores_matters() -> None:
    architectures, counts, score, accuracy = problem()
    plain = columns(architectures, counts, {"score": score})
    bent = columns(architectures, counts, {"score": np.exp(3 * score)})
    assert plain == pytest.approx(bent)
    assert np.isfinite(Calibration.fit(plain[:16], accuracy[:16]).predict(plain).accuracy).all()


def test_what_cannot_be_fitted_is_refused() -> None:
    architectures, counts, score, accuracy = problem()
    table = columns(architectures, counts, {"score": score})
    with pytest.raises(UserError, match=f"at least {LEAST_TRAINED} architectures"):
        Calibration.fit(table[:7], accuracy[:7])
    accuracy[3] = np.nan
    with pytest.raises(UserError, match="finite scores and accuracies"):
        Calibration.fit(table[:16], accuracy[:16])


class Merit(Proxy):
    """A score that is the same for an architecture always, and too kind to those without normalisation."""

    name = "merit"
    steps = 4

    @property
    def fingerprint(self) -> str:
        return "merit"

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        return float(architecture["stage1_depth"]), {"loss": -1.0}

    def watched(self, architecture: Architecture, seed: int, see: See) -> tuple[float, dict[str, float]]:
        see.show(2, 0.25)
        return self.measure(architecture, seed)


def known(count: int, task: Task) -> list[Known]:
    rows = []
    for architecture in CnnSmall().sample_many(count, 0):
        depth, bare = float(architecture["stage1_depth"]), architecture["norm"] == "none"
        cost = CnnSmall().cost(architecture, task)
        rows.append(Known(architecture, float(expit(0.5 * depth - 2 * bare)), depth, cost.params, cost.flops))
    return rows


def test_a_calibrated_proxy_expects_an_accuracy(digits: Task) -> None:
    proxy = Calibrated(Merit(CnnSmall(), digits), known(32, digits))
    kind, harsh = ({**CnnSmall().sample_many(1, 9)[0], "norm": norm} for norm in ("batch", "none"))
    better, worse = proxy.score(kind, 0), proxy.score(harsh, 0)
    assert better.value > worse.value + 0.1
    assert better.readings["low"] < better.value < better.readings["high"]
    assert better.readings["score"] == float(kind["stage1_depth"])
    assert better.readings["loss"] == -1.0
    seen: list[tuple[int, float]] = []
    assert proxy.score(kind, 0, See(lambda *shown: seen.append(shown))).value == better.value
    assert (proxy.steps, seen) == (4, [(2, 0.25)])


def test_the_fingerprint_holds_what_is_known_in_any_order(digits: Task) -> None:
    rows, merit = known(16, digits), Merit(CnnSmall(), digits)
    assert Calibrated(merit, rows).fingerprint == Calibrated(merit, rows[::-1]).fingerprint
    assert Calibrated(merit, rows).fingerprint != Calibrated(merit, rows[1:]).fingerprint
    better = [replace(rows[0], accuracy=0.99), *rows[1:]]
    assert Calibrated(merit, rows).fingerprint != Calibrated(merit, better).fingerprint
    other = replace(rows[0], architecture=CnnSmall().sample_many(1, 99)[0])  # as good, but of another size and kind
    assert Calibrated(merit, rows, rows[:1]).fingerprint != Calibrated(merit, rows, [other]).fingerprint


def test_the_fingerprint_is_the_same_where_other_threads_score_a_little_otherwise(digits: Task) -> None:
    rows, merit = known(16, digits), Merit(CnnSmall(), digits)
    otherwise = [replace(one, score=one.score + 0.06) for one in rows]
    assert Calibrated(merit, rows, rows).fingerprint == Calibrated(merit, otherwise, otherwise).fingerprint


def test_scores_beyond_all_that_is_known_still_differ() -> None:
    architectures, counts, score, _ = problem(16)
    made = Features.of(CnnSmall(), architectures, counts, {"score": score})
    three = [architectures[0]] * 3
    same = {"params": np.full(3, 1e4)}
    column = made(three, same, {"score": np.array([score.max(), score.max() + 1, score.max() + 2])})[:, 0]
    assert column[0] < column[1] < column[2]


def test_the_order_does_not_depend_on_how_far_apart_a_tasks_accuracies_lie() -> None:
    architectures, counts, score, accuracy = problem()
    features = columns(architectures, counts, {"gtn": score})
    close = expit(2 + 0.1 * (logit(accuracy) - 2))
    far, near = (Calibration.fit(features[:16], one[:16]).predict(features).accuracy for one in (accuracy, close))
    assert spearmanr(far, near).statistic > 0.999


def test_trainings_that_tell_nothing_apart_nearly_leave_the_scores_order() -> None:
    architectures, counts, score, _ = problem()
    features = columns(architectures, counts, {"gtn": score})
    found = Calibration.fit(features[:16], np.full(16, 0.9)).predict(features).accuracy
    assert spearmanr(found, score).statistic > 0.9
