"""Samplers: each proposes legal candidates, or says at once why it cannot."""

from __future__ import annotations

from typing import ClassVar

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from gtn_nas.errors import UserError
from gtn_nas.proxy import Proxy
from gtn_nas.search import SAMPLERS, Goal, make_sampler, open_study, search, settled_trials
from gtn_nas.search.evolution import RegularizedEvolution
from gtn_nas.space import Architecture
from gtn_nas.task import Task
from search_spaces.cnn_small import CnnSmall


class Twelve(CnnSmall):
    """Twelve architectures."""

    name = "twelve"
    parameters: ClassVar[dict[str, object]] = {
        name: {"norm": CnnSmall.parameters["norm"], "stage1_depth": IntDistribution(1, 3)}.get(
            name, CategoricalDistribution((value,) if name != "residual" else (True, False)[: 1 + (name == "residual")])
        )
        for name, value in CnnSmall().sample_many(1, 0)[0].items()
    }


class Numbers(CnnSmall):
    """Numbers alone, one of them continuous."""

    name = "numbers"
    parameters: ClassVar[dict[str, object]] = {"stage1_depth": IntDistribution(1, 8), "rate": FloatDistribution(0, 1)}


class Depth(Proxy):
    """Depth, a little luck, and a cost that follows from neither."""

    name = "depth"

    @property
    def fingerprint(self) -> str:
        return "depth"

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        depth = sum(int(architecture[f"stage{stage}_depth"]) for stage in (1, 2, 3))
        return depth + 2.0 * (architecture["norm"] == "batch"), {"loss": -1.0 / depth}


def found_by(name: str, space: CnnSmall, task: Task, trials: int, goal: Goal | None = None) -> optuna.Study:
    proxy, goal = Depth(space, task), goal or Goal()
    study = open_study(None, name, proxy, 1, make_sampler(name, 0, space, len(goal.names)), goal)
    search(study, proxy, trials, 1, goal=goal)
    return study


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name not in ("cmaes", "grid", "brute_force")])
def test_each_searches_the_whole_space(digits: Task, name: str) -> None:
    study = found_by(name, CnnSmall(), digits, 14)
    assert len(settled_trials(study)) == 14
    assert len({trial.user_attrs["key"] for trial in study.trials}) > 7


@pytest.mark.parametrize("name", ["grid", "brute_force"])
def test_those_that_try_all_meet_each_once(digits: Task, name: str) -> None:
    space = Twelve()
    study = found_by(name, space, digits, int(space.size))
    assert len({trial.user_attrs["key"] for trial in study.trials}) == space.size


@pytest.mark.parametrize("name", ["tpe", "nsgaii", "nsgaiii", "random"])
def test_several_objectives_give_a_front(digits: Task, name: str) -> None:
    study = found_by(name, CnnSmall(), digits, 12, Goal(("accuracy", "params")))
    values = [trial.values for trial in study.best_trials]
    assert len(values) >= 1
    for one in values:
        assert not any(other[0] >= one[0] and other[1] <= one[1] and other != one for other in values)


def test_evolution_climbs_where_chance_does_not(digits: Task) -> None:
    def best(sampler: optuna.samplers.BaseSampler) -> float:
        proxy = Depth(CnnSmall(), digits)
        study = open_study(None, "climb", proxy, 1, sampler)
        search(study, proxy, 60, 1)
        late = [trial.value for trial in study.trials[-20:]]
        return sum(late) / len(late)

    assert best(RegularizedEvolution(CnnSmall(), 0, 15, 5)) > best(make_sampler("random", 0, CnnSmall())) + 1


def test_evolutions_children_are_neighbours_of_the_best_of_the_young(digits: Task) -> None:
    space = CnnSmall()
    proxy = Depth(space, digits)
    study = open_study(None, "young", proxy, 1, RegularizedEvolution(space, 0, 5, 5))
    search(study, proxy, 12, 1)
    for number in range(5, 12):
        young = study.trials[number - 5 : number]
        parents = [one.params for one in young if one.value == max(other.value for other in young)]
        assert any(study.trials[number].params in list(space.neighbours(parent)) for parent in parents)


def test_what_cannot_be_is_refused_with_the_remedy() -> None:
    space = CnnSmall()
    with pytest.raises(UserError, match="unknown sampler 'best'; use one of tpe, random"):
        make_sampler("best", 0, space)
    with pytest.raises(UserError, match="'stage1_op' of space 'cnn_small' is a category; use tpe"):
        make_sampler("cmaes", 0, space)
    with pytest.raises(UserError, match="'evolution' serves one objective, not 2; use tpe, nsgaii"):
        make_sampler("evolution", 0, space, 2)
    with pytest.raises(UserError, match=r"has 19,440,000, more than 100,000"):
        make_sampler("grid", 0, space)
    with pytest.raises(UserError, match="has infinitely many"):
        make_sampler("brute_force", 0, Numbers())


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gtn_nas.search.samplers.find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install cmaes"):
        make_sampler("cmaes", 0, Numbers())
