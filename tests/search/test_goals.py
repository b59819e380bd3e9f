"""Objectives and limits."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import optuna
import pytest
import torch
from optuna.trial import TrialState

from gtn_nas.errors import UserError
from gtn_nas.proxy import Params, Proxy
from gtn_nas.search import Goal, Limits, best_trials, make_sampler, open_study, search, trial_rows
from gtn_nas.search.evaluator import OverLimit, evaluate
from gtn_nas.search.latency import measure_latency, timed_on
from gtn_nas.space import Architecture
from gtn_nas.task import Task
from search_spaces.cnn_small import CnnSmall

SPACE = CnnSmall()


class Loss(Proxy):
    """Counts how often it is asked; its loss is the depth."""

    name = "loss"
    asked = 0

    @property
    def fingerprint(self) -> str:
        return "loss"

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        self.asked += 1
        return 0.5, {"loss": -float(architecture["stage1_depth"])}


def run(proxy: Proxy, goal: Goal, storage: str | None = None, name: str = "s", trials: int = 12) -> optuna.Study:
    study = open_study(storage, name, proxy, 1, make_sampler("random", 0, SPACE, len(goal.names)), goal)
    search(study, proxy, trials, 1, goal=goal)
    return study


def latencies(study: optuna.Study) -> list[float | None]:
    return [trial.user_attrs.get("latency") for trial in study.trials]


def test_each_objective_reads_its_figure(digits: Task) -> None:
    goal = Goal(("loss", "params", "flops", "latency"))
    study = run(Loss(SPACE, digits), goal, trials=3)
    for trial in study.trials:
        cost = SPACE.cost(trial.params, digits)
        assert trial.values[:3] == [trial.params["stage1_depth"], cost.params, cost.flops]
        assert 0 < trial.values[3] == trial.user_attrs["latency"] < 1
    assert [direction.name for direction in study.directions] == ["MINIMIZE"] * 4
    assert study.metric_names == list(goal.names)


def test_a_loss_is_as_low_as_possible(digits: Task) -> None:
    study = run(Loss(SPACE, digits), Goal(("loss",)))
    losses = [trial.value for trial in study.trials]
    assert best_trials(study, 3)[0].value == min(losses)


def test_candidates_over_a_limit_are_not_scored(digits: Task) -> None:
    proxy = Loss(SPACE, digits)
    sizes = sorted(SPACE.cost(trial.params, digits).params for trial in run(Loss(SPACE, digits), Goal()).trials)
    limit = sizes[5]
    study = run(proxy, Goal(limits=Limits(params=limit)))
    states = {trial.state for trial in study.trials}
    assert states == {TrialState.COMPLETE, TrialState.PRUNED}
    for trial in study.trials:
        over = trial.user_attrs["params"] > limit
        assert (trial.state is TrialState.PRUNED) == over
        assert trial.constraints["params"] == pytest.approx(trial.user_attrs["params"] / limit - 1)
        assert trial.user_attrs["excess"] == trial.constraints
    assert proxy.asked == sum(trial.state is TrialState.COMPLETE for trial in study.trials) == 6
    rows = trial_rows(study)
    assert len(rows) == 12
    assert any("over its limit" in (row["reason"] or "") for row in rows)


def test_latency_may_have_a_limit(digits: Task) -> None:
    architecture = SPACE.sample_many(1, 0)[0]
    with pytest.raises(OverLimit, match=r"latency .* over its limit"):
        evaluate(Params(SPACE, digits), architecture, 1, Limits(latency=1e-9))
    assert evaluate(Params(SPACE, digits), architecture, 1, Limits(latency=10)).latency is not None
    assert evaluate(Params(SPACE, digits), architecture, 1).latency is None


def test_latency_tells_large_from_small(digits: Task) -> None:
    base = SPACE.sample_many(1, 0)[0] | {"resolution": "full", "stage1_op": "conv5", "stage2_op": "conv5"}
    large = base | {"stage1_depth": 3, "stage2_depth": 3, "stage3_depth": 3, "stage3_op": "conv5"}
    small = base | {"stage1_depth": 1, "stage2_depth": 1, "stage3_depth": 1, "resolution": "half"}
    assert measure_latency(SPACE, digits, large) > measure_latency(SPACE, digits, small)


def test_another_study_of_the_storage_knows_the_scores(digits: Task, tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'nas.db'}"
    first, second = Loss(SPACE, digits), Loss(SPACE, digits)
    run(first, Goal(), storage, "one", trials=6)
    study = run(second, Goal(("loss", "params")), storage, "two", trials=6)  # the same seed, the same candidates
    assert first.asked == 6
    assert second.asked == 0
    assert all(trial.user_attrs["seconds"] == 0 for trial in study.trials)
    limit = min(trial.user_attrs["params"] for trial in study.trials)
    small = run(Loss(SPACE, digits), Goal(limits=Limits(params=limit)), storage, "three", trials=6)
    assert sum(trial.state is TrialState.COMPLETE for trial in small.trials) == 1  # a known score is no way round it


def test_latencies_count_for_the_same_hardware_alone(
    digits: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another device's seconds, or those of more threads, are no word on this one's; scores are."""
    storage, timed = f"sqlite:///{tmp_path / 'nas.db'}", Goal(limits=Limits(latency=10))
    first, same, plain, other = (Loss(SPACE, digits) for _ in range(4))
    before = latencies(run(first, timed, storage, "one", trials=3))
    assert latencies(run(same, timed, storage, "two", trials=3)) == before
    monkeypatch.setattr("gtn_nas.search.latency.describe_hardware", lambda device: {"processor": "another"})
    monkeypatch.setattr("gtn_nas.search.evaluator.measure_latency", lambda *_: 1e-3)
    assert latencies(run(plain, Goal(), storage, "three", trials=3)) == [None] * 3
    assert latencies(run(other, timed, storage, "four", trials=3)) == [1e-3] * 3
    assert [proxy.asked for proxy in (first, same, plain, other)] == [3, 0, 0, 3]


def test_a_latency_from_another_machine_in_the_same_study_is_measured_again(
    digits: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = Goal(limits=Limits(latency=10))
    study = run(Loss(SPACE, digits), timed, trials=1)
    study.sampler = optuna.samplers.PartialFixedSampler(study.trials[0].params, study.sampler)  # the same once more
    monkeypatch.setattr("gtn_nas.search.latency.describe_hardware", lambda device: {"processor": "another"})
    monkeypatch.setattr("gtn_nas.search.evaluator.measure_latency", lambda *_: 1e-3)
    search(study, Loss(SPACE, digits), 2, 1, goal=timed)
    assert latencies(study)[1:] == [1e-3]


def test_one_gpu_of_a_kind_times_as_well_as_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gtn_nas.search.latency.describe_hardware", lambda device: {"device": str(device)})
    first, second = (
        SimpleNamespace(train=SimpleNamespace(images=SimpleNamespace(device=torch.device("cuda", number))))
        for number in (0, 1)
    )
    assert timed_on(first) == timed_on(second) == {"device": "cuda"}  # type: ignore[arg-type]


def test_other_objectives_or_limits_are_another_study(digits: Task, tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'nas.db'}"
    run(Loss(SPACE, digits), Goal(), storage, trials=1)
    with pytest.raises(UserError, match="made with objectives"):
        run(Loss(SPACE, digits), Goal(("accuracy", "params")), storage)
    with pytest.raises(UserError, match="made with limits"):
        run(Loss(SPACE, digits), Goal(limits=Limits(flops=10)), storage)


def test_wrong_goals_are_refused(digits: Task) -> None:
    with pytest.raises(
        UserError, match="unknown objective 'speed'; use one of accuracy, loss, fgsm_accuracy, params, flops, latency"
    ):
        Goal(("speed",))
    with pytest.raises(UserError, match="each objective counts once"):
        Goal(("params", "params"))
    with pytest.raises(UserError, match="this proxy has no loss"):
        run(Params(SPACE, digits), Goal(("loss",)))


def test_an_objective_that_is_not_finite_is_a_failure_with_a_reason(digits: Task) -> None:
    class Lost(Params):
        """Loses all that it learned."""

        def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
            return 0.1, {"loss": -math.nan}

    proxy, goal = Lost(CnnSmall(), digits), Goal(("loss",))
    study = open_study(None, "s", proxy, 1, make_sampler("random", 0, proxy.space), goal)
    search(study, proxy, 3, 1, goal=goal)
    assert [row["reason"] for row in trial_rows(study)] == ["its loss is not finite: nan"] * 3
