"""The search: a shared ledger, nothing scored twice, bad candidates survived."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState

from gtn_nas.errors import UserError
from gtn_nas.proxy import Gtn, Params, Proxy
from gtn_nas.search import (
    best_trials,
    evaluate,
    make_sampler,
    open_study,
    search,
    settled_trials,
    trial_rows,
    verified_rows,
    verify,
)
from gtn_nas.search.evaluator import CandidateFailed
from gtn_nas.search.ledger import architecture_of
from gtn_nas.space import Architecture
from gtn_nas.task import Task, load_task
from gtn_nas.teacher.frozen import FrozenTeacher
from gtn_nas.training import Recipe
from search_spaces.cnn_small import CnnSmall


class Counting(Proxy):
    """Depth as a score, counting how often it is asked; some candidates fail."""

    name = "counting"

    def __init__(self, space: CnnSmall, task: Task, fails_on: str = "") -> None:
        super().__init__(space, task)
        self.asked: list[str] = []
        self.fails_on = fails_on

    @property
    def fingerprint(self) -> str:
        return "counting"

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        self.asked.append(self.space.key(architecture))
        if architecture["norm"] == self.fails_on:
            raise MemoryError("this candidate is too large")
        return float(architecture["stage1_depth"]) + (float("nan") if self.fails_on == "nan" else 0.1 * seed), {}


class TwoArchitectures(CnnSmall):
    """So few that a search meets the same ones again."""

    name = "two"
    parameters: ClassVar[dict[str, CategoricalDistribution]] = {
        name: CategoricalDistribution(("none", "batch")) if name == "norm" else fixed
        for name, fixed in {
            name: CategoricalDistribution((value,)) for name, value in CnnSmall().sample_many(1, 0)[0].items()
        }.items()
    }


@pytest.fixture
def storage(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'nas.db'}"


def open_with(proxy: Proxy, storage: str | None, seeds: int = 2) -> optuna.Study:
    return open_study(storage, "s", proxy, seeds, make_sampler("random", 0, proxy.space))


def test_trials_carry_scores_and_costs(digits: Task, storage: str) -> None:
    proxy = Counting(CnnSmall(), digits)
    study = open_with(proxy, storage)
    search(study, proxy, trials=5, seeds=2)
    rows = trial_rows(study)
    assert [row["number"] for row in rows] == [0, 1, 2, 3, 4]
    for row, trial in zip(rows, study.trials, strict=True):
        depth = row["architecture"]["stage1_depth"]
        assert row["value"] == pytest.approx(depth + 0.05)
        assert trial.user_attrs["scores"] == pytest.approx([depth, depth + 0.1])
        assert trial.user_attrs["key"] == proxy.space.key(proxy.space.validate(trial.params))
        assert row["params"] == proxy.space.cost(trial.params, digits).params


def test_a_search_goes_on_to_its_total(digits: Task, storage: str) -> None:
    proxy = Counting(CnnSmall(), digits)
    search(open_with(proxy, storage), proxy, trials=3, seeds=2)
    again = open_with(proxy, storage)
    search(again, proxy, trials=5, seeds=2)
    assert len(again.trials) == 5
    search(again, proxy, trials=5, seeds=2)
    assert len(again.trials) == 5


def test_nothing_is_scored_twice(digits: Task, storage: str) -> None:
    proxy = Counting(TwoArchitectures(), digits)
    study = open_with(proxy, storage)
    search(study, proxy, trials=12, seeds=2)
    assert len(proxy.asked) == 4
    fresh = Counting(TwoArchitectures(), digits)
    search(open_with(fresh, storage), fresh, trials=20, seeds=2)
    assert fresh.asked == []
    assert len(best_trials(study, 10)) == 2


@pytest.mark.parametrize("fails_on", ["none", "nan"])
def test_bad_candidates_are_failed_trials_with_a_reason(digits: Task, storage: str, fails_on: str) -> None:
    proxy = Counting(CnnSmall(), digits, fails_on)
    study = open_with(proxy, storage)
    search(study, proxy, trials=8, seeds=1)
    failed = [row for row in trial_rows(study) if row["state"] == "FAIL"]
    assert len(trial_rows(study)) == 8
    assert failed
    words = "too large" if fails_on == "none" else "not finite"
    assert all(words in row["reason"] for row in failed)


def test_a_builder_that_raises_is_the_candidates_fault(digits: Task) -> None:
    class Broken(CnnSmall):
        def build(self, architecture: object, task: object) -> object:
            raise RuntimeError("no such layer")

    with pytest.raises(CandidateFailed, match="RuntimeError: no such layer"):
        evaluate(Params(Broken(), digits), Broken().sample_many(1, 0)[0], 1)


def test_resuming_with_other_settings_is_refused(digits: Task, storage: str) -> None:
    open_with(Counting(CnnSmall(), digits), storage)
    with pytest.raises(UserError, match="study 's' was made with proxy 'counting'"):
        open_with(Params(CnnSmall(), digits), storage)
    with pytest.raises(UserError, match="made with seeds 2, but this search has 3"):
        open_with(Counting(CnnSmall(), digits), storage, seeds=3)
    with pytest.raises(UserError, match="made with space 'cnn_small'"):
        open_with(Counting(TwoArchitectures(), digits), storage)
    fewer = load_task("digits", train_limit=100)
    with pytest.raises(UserError, match="made with other images of its data set: another --train-limit"):
        open_with(Counting(CnnSmall(), fewer), storage)


def test_resuming_with_another_teacher_is_told_in_words(
    digits: Task, tiny_teacher: FrozenTeacher, storage: str
) -> None:
    open_with(Gtn(CnnSmall(), digits, tiny_teacher), storage)
    other = replace(tiny_teacher, config=tiny_teacher.config.model_copy(update={"statistics_batches": 2}))
    with pytest.raises(UserError, match=r"^study 's' was made with another teacher, or other settings of its proxy"):
        open_with(Gtn(CnnSmall(), digits, other), storage)
    with pytest.raises(UserError, match="made with seeds 2, but this search has 1"):  # what is plain goes first
        open_with(Gtn(CnnSmall(), digits, other), storage, seeds=1)


def test_a_storage_that_cannot_be_opened(digits: Task) -> None:
    with pytest.raises(UserError, match="cannot open storage 'nonsense'"):
        open_with(Counting(CnnSmall(), digits), "nonsense")


def test_verification_trains_the_best_and_is_resumed(digits: Task, storage: str) -> None:
    proxy = Counting(TwoArchitectures(), digits)
    study = open_with(proxy, storage)
    search(study, proxy, trials=6, seeds=2)
    recipe = Recipe(epochs=2)
    rows = verify(study, proxy, best_trials(study, 2), recipe)
    assert len(rows) == 2
    assert rows[0]["validation_accuracy"] >= rows[1]["validation_accuracy"]
    assert all(0 <= row["test_accuracy"] <= 1 for row in rows)
    again = verify(open_with(proxy, storage), proxy, best_trials(study, 2), recipe)
    assert again == rows  # seconds included: nothing was trained again
    assert verified_rows(study) == rows
    assert verify(study, proxy, best_trials(study, 1), Recipe(epochs=3))[0]["recipe"] != rows[0]["recipe"]


def test_what_cannot_be_verified_is_told_and_the_others_are_trained(
    digits: Task, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Counting(TwoArchitectures(), digits)
    study = open_with(proxy, storage)
    search(study, proxy, trials=6, seeds=2)
    best, told = best_trials(study, 2), list[str]()
    broken, build = architecture_of(best[0], proxy.space), TwoArchitectures.build

    def fragile(self: TwoArchitectures, architecture: Architecture, task: Task) -> object:
        return 1 / 0 if architecture == broken else build(self, architecture, task)

    monkeypatch.setattr(TwoArchitectures, "build", fragile)
    rows = verify(
        study, proxy, best, Recipe(epochs=1), on_failure=lambda trial, why: told.append(f"{trial.number}: {why}")
    )
    assert [row["number"] for row in rows] == [best[1].number]
    assert told == [f"{best[0].number}: ZeroDivisionError: division by zero"]


def test_going_on_proposes_new_candidates(digits: Task, storage: str) -> None:
    for trials in (8, 16):
        proxy = Counting(CnnSmall(), digits)
        study = open_with(proxy, storage)
        search(study, proxy, trials=trials, seeds=1)
    assert len({trial.user_attrs["key"] for trial in study.trials}) == 16


def test_an_interrupted_candidate_does_not_use_up_a_trial(digits: Task, storage: str) -> None:
    class Interrupted(Counting):
        def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
            if len(self.asked) == 2:
                raise KeyboardInterrupt
            return super().measure(architecture, seed)

    proxy = Interrupted(CnnSmall(), digits)
    study = open_with(proxy, storage)
    with pytest.raises(KeyboardInterrupt):
        search(study, proxy, trials=4, seeds=1)
    assert not study.get_trials(states=(TrialState.RUNNING,))
    after = Counting(CnnSmall(), digits)
    search(study, after, trials=4, seeds=1)
    assert len(trial_rows(study)) == len(settled_trials(study)) == 4
    assert len(study.trials) == 5
    assert len(after.asked) == 2


def test_verified_trainings_are_never_forgotten(digits: Task, storage: str) -> None:
    proxy = Counting(TwoArchitectures(), digits)
    study = open_with(proxy, storage)
    search(study, proxy, trials=6, seeds=1)
    verify(study, proxy, best_trials(study, 2), Recipe(epochs=1))
    verify(study, proxy, best_trials(study, 1), Recipe(epochs=2))
    assert len(verified_rows(study)) == 3
    assert len(verify(study, proxy, best_trials(study, 1), Recipe(epochs=1))) == 1
    assert len(verified_rows(study)) == 3
