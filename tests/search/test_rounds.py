"""A search that calibrates its score by its own verifications."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import optuna
import pytest
from optuna.trial import FrozenTrial

from gtn_nas.calibration import Known
from gtn_nas.errors import UserError
from gtn_nas.proxy import Proxy
from gtn_nas.search import (
    Budget,
    Goal,
    Plan,
    make_sampler,
    open_study,
    search,
    search_in_rounds,
    verified_by,
    verified_rows,
    verify,
)
from gtn_nas.search.ledger import record_verified
from gtn_nas.space import Architecture
from gtn_nas.task import Task
from gtn_nas.training import Recipe
from search_spaces.cnn_small import CnnSmall

SPACE, RECIPE, GOAL = CnnSmall(), Recipe(epochs=1), Goal()


class Depth(Proxy):
    """Counts its scores; the deeper the better."""

    name = "depth"
    seeded = False

    def __init__(self, task: Task) -> None:
        super().__init__(SPACE, task)
        self.asked: list[str] = []

    @property
    def fingerprint(self) -> str:
        return "depth"

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        self.asked.append(SPACE.key(architecture))
        return sum(float(architecture[f"stage{stage}_depth"]) for stage in (1, 2, 3)), {}


Train = Callable[[optuna.Study, Proxy, Sequence[FrozenTrial]], object]


class Trainer:
    """Stands for real training: normalisation is all that counts. Lists what was trained, as far as time goes."""

    def __init__(self, most: float = math.inf) -> None:
        self.done: list[Architecture] = []
        self.most = most

    @property
    def spent(self) -> bool:
        return len(self.done) >= self.most

    def __call__(self, study: optuna.Study, proxy: Proxy, best: Sequence[FrozenTrial]) -> None:
        rows = verified_rows(study)
        for trial in best:
            if self.spent:
                break
            architecture = SPACE.validate(trial.params)
            self.done.append(architecture)
            accuracy = 0.9 if architecture["norm"] == "batch" else 0.5 + 0.01 * float(architecture["stage1_depth"])
            same = {"key": SPACE.key(architecture), "architecture": architecture, "seed": 0, "params": 1}
            rows.append(same | {"validation_accuracy": accuracy, "recipe": RECIPE.fingerprint})
        record_verified(study, rows)


def run(
    plan: Plan, proxy: Proxy, trainer: Train, storage: str | None = None, budget: Budget | None = None
) -> optuna.Study:
    def open_round(number: int, scored: Proxy) -> optuna.Study:
        return open_study(storage, f"s-{number}", scored, 1, make_sampler("random", number, SPACE))

    def explore(study: optuna.Study, scored: Proxy, trials: int) -> None:
        search(study, scored, trials, 1, budget=budget)

    return search_in_rounds(plan, proxy, open_round, explore, trainer, budget)


def known_before(task: Task) -> list[Known]:
    rows = []
    for index, architecture in enumerate(SPACE.sample_many(10, 5)):
        cost = SPACE.cost(architecture, task)
        rows.append(Known(architecture, 0.5 + 0.01 * index, float(index), cost.params, cost.flops))
    return rows


def test_each_round_learns_from_the_real_trainings_before(digits: Task) -> None:
    proxy, trainer = Depth(digits), Trainer()
    study = run(Plan(120, 48, 16, RECIPE, GOAL), proxy, trainer)
    assert len(study.trials) == 120
    assert len(proxy.asked) == len(set(proxy.asked)) == 120
    assert [trial.number for trial in study.trials] == list(range(120))
    assert len({SPACE.key(one) for one in trainer.done}) == len(verified_by(study, RECIPE)) == 48
    normalised = [one["norm"] == "batch" for one in trainer.done]
    assert sum(normalised[32:]) >= sum(normalised[:16]) + 4  # what the score does not know, the trainings told
    assert study.best_trial.params["norm"] == "batch"
    assert study.user_attrs["proxy"] == "calibrated"
    for trial in study.trials:
        assert trial.user_attrs["readings"]["score"] == proxy.measure(SPACE.validate(trial.params), 0)[0]


def test_what_was_stopped_goes_on_and_repeats_nothing(digits: Task, tmp_path: Path) -> None:
    storage, plan, trainer = f"sqlite:///{tmp_path / 's.db'}", Plan(24, 16, 8, RECIPE, GOAL), Trainer()
    first = run(plan, Depth(digits), trainer, storage)
    after = Depth(digits)
    again = run(plan, after, trainer, storage)
    assert (len(trainer.done), after.asked) == (16, [])
    assert [trial.value for trial in again.trials] == [trial.value for trial in first.trials]


def test_more_candidates_are_proposed_in_the_last_round(digits: Task, tmp_path: Path) -> None:
    """An earlier round stays as it is: by what it found the later ones' scores are calibrated."""
    storage, trainer = f"sqlite:///{tmp_path / 's.db'}", Trainer()
    run(Plan(24, 16, 8, RECIPE, GOAL), Depth(digits), trainer, storage)
    after = Depth(digits)
    again = run(Plan(40, 16, 8, RECIPE, GOAL), after, trainer, storage)
    assert (len(again.trials), len(after.asked), len(trainer.done)) == (40, 16, 16)
    last = run(Plan(48, 24, 8, RECIPE, GOAL), after, trainer, storage)
    assert (len(last.trials), len(after.asked), len(trainer.done)) == (48, 24, 24)


def test_what_was_known_before_calibrates_from_the_beginning(digits: Task) -> None:
    study = run(Plan(12, 4, 4, RECIPE, GOAL, known_before(digits)), Depth(digits), Trainer())
    assert study.user_attrs["proxy"] == "calibrated"
    assert all(0 < (trial.value or 0) < 1 for trial in study.trials)


def test_a_spent_budget_begins_nothing(digits: Task) -> None:
    proxy = Depth(digits)
    study = open_study(None, "s", proxy, 1, make_sampler("random", 0, SPACE))
    search(study, proxy, 3, 1)
    search(study, proxy, 24, 1, budget=Budget.of(0.0))
    assert len(study.trials) == 3
    assert verify(study, proxy, study.trials, RECIPE, budget=Budget.of(0.0)) == []
    assert verified_rows(study) == []


def test_a_budget_spent_in_the_first_round_keeps_what_was_found(digits: Task) -> None:
    """The second round has nothing to learn from; the first one's study is the result, not an error."""
    study = run(Plan(24, 16, 8, RECIPE, GOAL), Depth(digits), lambda *_: None)
    assert study.user_attrs["proxy"] == "depth"
    assert len(study.trials) == 12


@pytest.mark.parametrize("before", [0, 10])
def test_a_budget_spent_within_a_round_ends_with_it(
    digits: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    """There may be enough to calibrate by, but the next round's score stands on the whole of this one."""
    storage, plan = f"sqlite:///{tmp_path / 's.db'}", Plan(40, 20, 10, RECIPE, GOAL, known_before(digits)[:before])
    trainer = Trainer(most=9)
    monkeypatch.setattr(Budget, "spent", property(lambda _: trainer.spent))
    cut = run(plan, Depth(digits), trainer, storage, Budget())
    assert (cut.study_name, len(cut.trials), len(trainer.done)) == ("s-0", 20, 9)
    trainer.most = math.inf
    again = run(plan, Depth(digits), trainer, storage, Budget())
    assert (again.study_name, len(again.trials), len(trainer.done)) == ("s-1", 40, 20)
    assert len({SPACE.key(one) for one in trainer.done}) == 20


def test_plans_that_cannot_be_kept_are_refused() -> None:
    with pytest.raises(UserError, match="--calibrate-every 8 needs as many real trainings, but --verify is 4"):
        Plan(24, 4, 8, RECIPE, GOAL)
    with pytest.raises(UserError, match="calibration needs 8 trained architectures, but --calibrate-every 4"):
        Plan(24, 8, 4, RECIPE, GOAL)
