"""Accuracy after FGSM as a reading of the proxies that train, and as an objective."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from gtn_nas.calibration import Calibrated, Known
from gtn_nas.errors import UserError
from gtn_nas.meta.learner import Learner
from gtn_nas.proxy import make_proxies, make_score
from gtn_nas.robustness import FGSM_EPSILON, PixelRange, Subject, fgsm
from gtn_nas.search import Goal, make_sampler, open_study, search
from gtn_nas.seeding import seeded
from gtn_nas.task import Task
from gtn_nas.teacher.frozen import FrozenTeacher
from gtn_nas.training import Recipe
from search_spaces.cnn_small import CnnSmall
from tests.cli.running import refused

SPACE = CnnSmall()
RECIPE = Recipe(epochs=1)
TRAINING = ("gtn", "gtn_area", "gtn_ensemble", "real_steps", "real_subset", "early_stop")


@pytest.mark.parametrize("name", TRAINING)
def test_proxies_that_train_say_how_their_network_withstands(
    name: str, digits: Task, tiny_teacher: FrozenTeacher
) -> None:
    architecture = SPACE.sample_many(1, 0)[0]
    plain = make_proxies([name], SPACE, digits, [tiny_teacher], RECIPE)[name]
    attacked = plain.attacked()
    score, readings = plain.measure(architecture, 0)
    again, more = attacked.measure(architecture, 0)
    assert again == score
    robust = more.pop("fgsm_accuracy")
    assert more == readings
    assert 0 <= robust < score or name == "gtn_area"  # whose score is a mean over the lesson
    assert attacked.fingerprint == plain.fingerprint  # the same scores
    assert "fgsm_accuracy" not in plain.measure(architecture, 0)[1]


def test_the_reading_is_of_the_network_that_was_scored(digits: Task) -> None:
    proxy = make_proxies(["early_stop"], SPACE, digits, (), RECIPE)["early_stop"].attacked()
    architecture, part = SPACE.sample_many(1, 0)[0], digits.validation.head(2000)
    kept = []
    build = SPACE.build

    class Keeping(CnnSmall):
        def build(self, *given: object) -> torch.nn.Module:
            kept.append(build(*given))  # type: ignore[arg-type]
            return kept[-1]

    proxy.space = Keeping()
    _, readings = proxy.measure(architecture, 0)
    network = kept[0].eval()
    subject = Subject(network, part.images, part.labels, PixelRange.of(digits.mean, digits.std, part.images))
    assert readings["fgsm_accuracy"] == pytest.approx(
        subject.accuracy_on(fgsm(subject, FGSM_EPSILON, torch.Generator()))
    )


@pytest.mark.parametrize("norm", ["batch", "group", "none"])
def test_learners_are_attacked_along_the_same_gradient_as_networks(norm: str, digits: Task) -> None:
    architecture = SPACE.validate({**SPACE.sample_many(1, 4)[0], "norm": norm})
    with seeded(0):
        network = SPACE.build(architecture, digits)
    part = digits.test.head(50)
    valid = PixelRange.of(digits.mean, digits.std, part.images)
    learner = Learner(copy.deepcopy(network))
    theta = learner.initial
    network.train()  # the batch's own statistics, as None asks for below
    mine = Subject(lambda images: learner.predict(theta, images, None), part.images, part.labels, valid)
    theirs = Subject(network, part.images, part.labels, valid)
    assert torch.allclose(mine.slope(part.images), theirs.slope(part.images), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", ["params", "random", "synflow", "params+flops", "gtn.loss+flops"])
def test_proxies_that_train_nothing_are_refused(name: str, digits: Task, tiny_teacher: FrozenTeacher) -> None:
    proxy = make_score(name, SPACE, digits, [tiny_teacher])
    says = "is a rank, of no one network" if "+" in name else "trains no network that could be attacked"
    with pytest.raises(UserError, match=says):
        Goal(("accuracy", "fgsm_accuracy")).prepared(proxy)
    with pytest.raises(UserError, match=says):
        search(
            open_study(None, "s", proxy, 1, make_sampler("random", 0, SPACE)),
            proxy,
            1,
            1,
            goal=Goal(("fgsm_accuracy",)),
        )


def test_a_search_weighs_it_and_keeps_it(digits: Task, tiny_teacher: FrozenTeacher, tmp_path: Path) -> None:
    storage, proxy = f"sqlite:///{tmp_path / 'nas.db'}", make_score("gtn", SPACE, digits, [tiny_teacher])

    def run(name: str, goal: Goal) -> list[tuple[list[float], dict[str, float], float]]:
        sampler = make_sampler("random", 0, SPACE, len(goal.names))
        study = open_study(storage, name, proxy, 1, sampler, goal)
        search(study, proxy, 3, 1, goal=goal)
        return [(one.values, one.user_attrs["readings"], one.user_attrs["seconds"]) for one in study.trials]

    run("plain", Goal())
    for values, readings, seconds in run("both", Goal(("accuracy", "fgsm_accuracy"))):
        assert values[1] == readings["fgsm_accuracy"] < values[0]
        assert seconds > 0  # what the first search knows of the same candidates is not enough
    robust = run("robust", Goal(("fgsm_accuracy",)))
    assert all(seconds == 0 and values == [readings["fgsm_accuracy"]] for values, readings, seconds in robust)


def test_calibrated_scores_keep_the_reading(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    proxy = make_score("gtn", SPACE, digits, [tiny_teacher])
    some = SPACE.sample_many(10, 1)
    known = [Known(one, 0.8 + 0.01 * place, 0.5 + 0.02 * place, 1000 + place, 2000) for place, one in enumerate(some)]
    _, readings = Goal(("fgsm_accuracy",)).prepared(Calibrated(proxy, known)).measure(some[0], 0)
    assert readings["fgsm_accuracy"] == proxy.attacked().measure(some[0], 0)[1]["fgsm_accuracy"]
    assert "low" in readings


def test_the_verb_refuses_before_any_work() -> None:
    said = refused("search", "--proxy", "params", "--objective", "fgsm_accuracy")
    assert "proxy params trains no network that could be attacked; search for fgsm_accuracy by one that does" in said
