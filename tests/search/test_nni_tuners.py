"""NNI's tuners in this process: one ledger, one loop, resumed to the same candidates."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution

from gtn_nas.errors import UserError
from gtn_nas.proxy import Proxy
from gtn_nas.search import Goal, make_proposer, open_study, search, settled_trials
from gtn_nas.space import Architecture, Cost, ImageTask, SearchSpace
from gtn_nas.task import Task
from search_spaces.cnn_small import CnnSmall
from tests.conftest import with_nni

EVERY = ["tpe", "random", "grid", "evolution", "anneal"]


class Cheap(CnnSmall):
    """Its networks are never built: costs are made up."""

    def cost(self, architecture: Architecture, task: ImageTask) -> Cost:
        return Cost(1, 1)


class Few(Cheap):
    """Six architectures."""

    name = "few"
    parameters: ClassVar[dict[str, object]] = {
        name: {"norm": CategoricalDistribution(("batch", "none")), "stage1_depth": IntDistribution(1, 3)}.get(
            name, CategoricalDistribution((value,))
        )
        for name, value in CnnSmall().sample_many(1, 0)[0].items()
    }


class Depth(Proxy):
    """Depth, and two points for batch normalisation; some candidates fail."""

    name = "depth"

    def __init__(self, space: SearchSpace, task: Task, ends_after: int = 1000) -> None:
        super().__init__(space, task)
        self.left = ends_after

    @property
    def fingerprint(self) -> str:
        return "depth"

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        if architecture["norm"] == "instance":
            raise RuntimeError("no such thing")
        depth = sum(int(architecture[f"stage{stage}_depth"]) for stage in (1, 2, 3))
        return depth + 2.0 * (architecture["norm"] == "batch"), {"loss": 1.0 / depth}


def explored(
    name: str, task: Task, trials: int, *, before: optuna.Study | None = None, seed: int = 0,
    space: SearchSpace | None = None, goal: Goal | None = None, engine: str = "nni",
) -> optuna.Study:  # fmt: skip
    proxy = Depth(space or Cheap(), task)
    study = open_study(None, "s", proxy, 1, make_proposer(engine, name, seed, proxy.space), goal)
    study.add_trials(before.trials if before is not None else [])
    search(study, proxy, trials, 1, goal=goal)
    return study


def keys(study: optuna.Study) -> list[str]:
    space = CnnSmall()
    return [space.key(trial.params) for trial in study.trials]


@with_nni
@pytest.mark.parametrize("name", EVERY)
def test_each_tuner_fills_the_ledger(digits: Task, name: str) -> None:
    study = explored(name, digits, 14)
    assert len(settled_trials(study)) == 14
    assert len(set(keys(study))) > 12
    assert all("params" in trial.user_attrs for trial in study.trials if trial.values)


@with_nni
@pytest.mark.parametrize("name", ["tpe", "evolution", "anneal"])
def test_tuners_learn_from_what_they_are_told(digits: Task, name: str) -> None:
    def late(name: str) -> float:
        values = [trial.value for trial in explored(name, digits, 90).trials[-30:] if trial.value is not None]
        return sum(values) / len(values)

    assert late(name) > late("random") + 0.5


@with_nni
@pytest.mark.parametrize("name", EVERY)
def test_a_stopped_search_goes_on_as_if_it_had_not_been(digits: Task, name: str) -> None:
    whole = explored(name, digits, 45)
    stopped = explored(name, digits, 40)
    assert keys(explored(name, digits, 45, before=stopped)) == keys(whole)


@with_nni
def test_an_interrupted_candidate_is_replayed_as_a_failure(digits: Task) -> None:
    proxy = Depth(Cheap(), digits, ends_after=5)
    stopped = open_study(None, "s", proxy, 1, make_proposer("nni", "evolution", 0, proxy.space))
    with pytest.raises(KeyboardInterrupt):
        search(stopped, proxy, 40, 1)
    study = explored("evolution", digits, 40, before=stopped)
    assert len(study.trials) == 41
    assert len(settled_trials(study)) == 40
    assert len(set(keys(study))) > 30


@with_nni
@pytest.mark.parametrize("name", ["tpe", "evolution"])
def test_results_of_another_engine_are_taken_over(digits: Task, name: str) -> None:
    before = explored("evolution", digits, 60, engine="optuna", seed=7)
    study = explored(name, digits, 80, before=before)
    new = [trial.value for trial in study.trials[60:] if trial.value is not None]
    chance = [trial.value for trial in explored("random", digits, 20).trials if trial.value is not None]
    assert sum(new) / len(new) > sum(chance) / len(chance) + 0.3


@with_nni
@pytest.mark.parametrize("name", ["grid", "random", "tpe"])
def test_an_exhausted_space_ends_the_search(digits: Task, name: str) -> None:
    study = explored(name, digits, 20, space=Few())
    assert len(study.trials) == len(settled_trials(study)) == 6
    assert len({Few().key(trial.params) for trial in study.trials}) == 6
    assert len(explored(name, digits, 20, space=Few(), before=study).trials) == 6


@with_nni
def test_what_is_to_be_small_becomes_small(digits: Task) -> None:
    study = explored("tpe", digits, 70, goal=Goal(("loss",)))
    values = [trial.value for trial in study.trials if trial.value is not None]
    assert sum(values[-20:]) < sum(values[:20])


@with_nni
def test_the_global_generator_is_left_alone(digits: Task) -> None:
    random.seed(3)
    expected = random.Random(3).random()
    explored("evolution", digits, 40)
    assert random.random() == expected


@with_nni
def test_what_cannot_be_is_refused_with_the_remedy() -> None:
    with pytest.raises(UserError, match="unknown sampler 'gp' of --engine nni; use one of tpe, random, grid"):
        make_proposer("nni", "gp", 0, CnnSmall())
    with pytest.raises(UserError, match="--engine nni serves one objective, not 2; use --engine optuna"):
        make_proposer("nni", "tpe", 0, CnnSmall(), 2)


def test_annealing_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gtn_nas.extras.find_spec", lambda name: None if name == "hyperopt" else name)
    with pytest.raises(UserError, match=r"sampler 'anneal' needs a package .*; pip install '\.\[nni\]'"):
        make_proposer("nni", "anneal", 0, CnnSmall())


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(UserError, match="unknown engine 'ray'; use one of optuna, nni"):
        make_proposer("ray", "tpe", 0, CnnSmall())


def test_without_nni_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gtn_nas.extras.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install '\.\[nni\]'"):
        make_proposer("nni", "tpe", 0, CnnSmall())


@with_nni
def test_the_command_line_searches_and_prints_nothing_but_json(tmp_path: Path) -> None:
    words = ["search", "--engine", "nni", "--sampler", "evolution", "--proxy", "params", "--trials", "8", "--json"]
    words += ["--storage", f"sqlite:///{tmp_path / 'nas.db'}", "--threads", "1", "--verify", "1"]
    words += ["--set", "recipe.epochs=1"]
    done = subprocess.run(
        [sys.executable, "-m", "gtn_nas", *words], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["trials"] == 8
    assert found["winner"]["test_accuracy"] > 0
    assert {path.name for path in tmp_path.iterdir()} == {"nas.db"}
