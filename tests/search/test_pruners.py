"""Pruners: candidates given up in mid-lesson, and what the curve on the way costs and says."""

from __future__ import annotations

import pytest
from optuna.trial import TrialState

from gtn_nas.errors import UserError
from gtn_nas.proxy import Gtn, GtnArea, Params, Proxy, See, make_score
from gtn_nas.search import PRUNERS, evaluate, make_pruner, make_sampler, open_study, search, trial_rows
from gtn_nas.space import Architecture
from gtn_nas.task import Task
from gtn_nas.teacher.frozen import FrozenTeacher
from search_spaces.cnn_small import CnnSmall

SPACE = CnnSmall()


class Shown(Proxy):
    """Learns in eight steps; deeper networks are better from the start. Counts the lessons that it finished."""

    name = "shown"
    steps = 8

    def __init__(self, task: Task) -> None:
        super().__init__(SPACE, task)
        self.finished = 0

    @property
    def fingerprint(self) -> str:
        return "shown"

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        return self.watched(architecture, seed, See(lambda *_: None))

    def watched(self, architecture: Architecture, seed: int, see: See) -> tuple[float, dict[str, float]]:
        depth = sum(float(architecture[f"stage{stage}_depth"]) for stage in (1, 2, 3)) / 9
        for step in (2, 4, 8):
            see.show(step, depth * step / 8)
        self.finished += 1
        return depth, {}


@pytest.mark.parametrize("name", [name for name in PRUNERS if name != "none"])
def test_hopeless_candidates_are_given_up_on_the_way(digits: Task, name: str) -> None:
    proxy = Shown(digits)
    study = open_study(None, "s", proxy, 1, make_sampler("random", 0, SPACE), pruner=make_pruner(name, proxy))
    search(study, proxy, trials=40, seeds=1)
    rows = trial_rows(study)
    pruned = [row for row in rows if row["state"] == "PRUNED"]
    kept = [row for row in rows if row["state"] == "COMPLETE"]
    assert len(rows) == 40
    assert len(pruned) >= 5
    assert proxy.finished == len(kept) == 40 - len(pruned)
    assert all("stopped after" in row["reason"] for row in pruned)
    depth = {row["number"]: sum(row["architecture"][f"stage{stage}_depth"] for stage in (1, 2, 3)) for row in rows}
    mean = {
        state: sum(depth[row["number"]] for row in some) / len(some) for state, some in (("p", pruned), ("k", kept))
    }
    assert mean["p"] < mean["k"]
    assert max(depth.values()) == max(depth[row["number"]] for row in kept)


def test_without_a_pruner_nothing_is_given_up(digits: Task) -> None:
    proxy = Shown(digits)
    study = open_study(None, "s", proxy, 1, make_sampler("random", 0, SPACE), pruner=make_pruner("none", proxy))
    search(study, proxy, trials=20, seeds=1)
    assert len(study.get_trials(states=(TrialState.COMPLETE,))) == 20


@pytest.mark.parametrize("scored_by", ["gtn.loss", "gtn_area", "gtn.loss+params"])
def test_a_curve_ends_with_the_accuracy_whatever_the_score_is(
    digits: Task, tiny_teacher: FrozenTeacher, scored_by: str
) -> None:
    (architecture,) = SPACE.sample_many(1, 5)
    plain = evaluate(make_score("gtn", SPACE, digits, [tiny_teacher]), architecture, 1)
    found = evaluate(make_score(scored_by, SPACE, digits, [tiny_teacher]), architecture, 1)
    assert found.curve[-1] == plain.curve[-1] == (8, plain.value)
    assert found.value != plain.value
    if scored_by != "gtn_area":  # which examines with all images on the way as well
        assert found.curve == plain.curve


@pytest.mark.parametrize("pruner", ["none", "median"])
def test_trials_carry_the_curve_of_the_first_seed(digits: Task, tiny_teacher: FrozenTeacher, pruner: str) -> None:
    proxy = Gtn(SPACE, digits, tiny_teacher)
    study = open_study(None, "s", proxy, 2, make_sampler("random", 0, SPACE), pruner=make_pruner(pruner, proxy))
    search(study, proxy, trials=2, seeds=2)
    for trial, row in zip(study.trials, trial_rows(study), strict=True):
        steps = [step for step, _ in row["curve"]]
        assert steps == [proxy.steps // 4, proxy.steps // 2, proxy.steps]
        assert row["curve"][-1][1] == trial.user_attrs["scores"][0]
        shown = {} if pruner == "none" else {int(step): accuracy for step, accuracy in row["curve"][:-1]}
        assert trial.intermediate_values == shown
        images = 64 if pruner == "none" else 256
        assert all((images * accuracy).is_integer() for _, accuracy in row["curve"][:-1])


@pytest.mark.parametrize("kind", [Gtn, GtnArea])
def test_being_watched_changes_no_score(digits: Task, tiny_teacher: FrozenTeacher, kind: type[Gtn]) -> None:
    proxy = kind(SPACE, digits, tiny_teacher)
    architecture = SPACE.sample_many(1, 3)[0]
    seen: list[int] = []
    watched = proxy.score(architecture, 1, See(lambda step, _: seen.append(step)))
    assert watched.value == proxy.score(architecture, 1).value
    assert seen == sorted(seen)
    assert seen


def test_searches_that_a_pruner_cannot_serve_are_refused(digits: Task) -> None:
    with pytest.raises(UserError, match="unknown pruner 'sharp'; use one of none, median"):
        make_pruner("sharp", Shown(digits))
    with pytest.raises(UserError, match="compares accuracies on the way, and this search is for accuracy, params"):
        make_pruner("median", Shown(digits), ("accuracy", "params"))
    with pytest.raises(UserError, match="for loss; leave --pruner out"):
        make_pruner("halving", Shown(digits), ("loss",))
    with pytest.raises(UserError, match="proxy 'params' has none; leave --pruner out"):
        make_pruner("hyperband", Params(SPACE, digits))
