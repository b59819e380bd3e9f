from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from gtn_nas.robustness import TRIALS
from gtn_nas.space import load_space
from gtn_nas.study import Measured, Row
from gtn_nas.study.examine import accuracies_on_test
from gtn_nas.study.robustness import Robustness, axes_of
from gtn_nas.study.transfer import train_really
from gtn_nas.study.workshop import Workshop
from gtn_nas.task import Task
from gtn_nas.training import accuracy

PLAIN: dict[str, Any] = {
    "data": "digits",
    "seeds": 1,
    "learners": ["linear"],
    "modes": {"short": 2, "long": 4},
    "own_statistics": ["short", "vanilla"],
    "trials": ["noise", "fgsm"],
    "images": 50,
    "teachers": {
        "one": {
            "space": "published[learner=linear]",
            "teacher": {"steps": 4, "batch_size": 10},
            "meta": {"iterations": 1, "real_batch": 16, "validate_every": 0},
        }
    },
}


def test_each_mode_of_each_teacher_is_a_variant() -> None:
    runs = Robustness.model_validate(PLAIN).runs()
    assert [run.variant for run in runs] == ["vanilla", "short by one", "long by one"]
    other = Robustness.model_validate({**PLAIN, "modes": {"short": 1, "long": 4}}).runs()
    assert [mine.key == theirs.key for mine, theirs in zip(runs, other, strict=True)] == [True, False, True]
    right = Robustness.model_validate({**PLAIN, "own_statistics": []}).runs()
    assert [mine.key == theirs.key for mine, theirs in zip(runs, right, strict=True)] == [False, False, True]


def test_put_right_is_evaluation_mode(digits: Task, tmp_path: Path) -> None:
    plan, workshop = Robustness.model_validate(PLAIN), Workshop(digits, tmp_path)
    vanilla, short, long = (plan.execute(run, workshop).figures for run in plan.runs())
    part, network = digits.test.head(50), train_really("linear", digits, plan.recipe, 0)
    assert vanilla["put_right.clean"] == pytest.approx(accuracy(network, part))
    with torch.no_grad():
        own = float((network.train()(part.images).argmax(1) == part.labels).float().mean())
    assert vanilla["as_published.clean"] == pytest.approx(own)
    teaches, space = plan.teachers["one"], load_space("published[learner=linear]")
    teacher = workshop.teacher(space, teaches.teacher, teaches.meta, "one")
    seen = {one.steps: one for one in accuracies_on_test(teacher, space, digits, 0, 50, [2])}
    assert short["put_right.clean"] == pytest.approx(seen[2].lesson)
    assert short["as_published.clean"] == pytest.approx(seen[2].test_batch)
    assert short["as_published.noise"] != short["put_right.noise"]
    assert long["put_right.clean"] == pytest.approx(seen[4].lesson)
    for name in long:  # in the fork it was in evaluation mode
        assert long[name.replace("put_right", "as_published")] == long[name]
    assert all(figures["put_right.fgsm"] < figures["put_right.clean"] for figures in (vanilla, short, long))


def test_curves_become_figures_at_their_strengths(row: Callable[..., Row]) -> None:
    curves = [[(strength, 0.5 + 0.1 * seed) for strength in TRIALS["noise"].strengths] for seed in range(2)]
    measured = Measured([row("vanilla", seed, series={"put_right.noise": curves[seed]}) for seed in range(2)], {})
    for strength in ("0", "0.1778", "0.8889", "1.6"):
        assert measured.values("vanilla", f"put_right.noise@{strength}") == [0.5, 0.6]
    assert measured.values("vanilla", "put_right.noise@9") == measured.values("vanilla", "put_right.blur@1") == []


def test_words_say_where_the_order_changes(row: Callable[..., Row]) -> None:
    plan = Robustness.model_validate({**PLAIN, "trials": ["noise"]})
    published, right = {"vanilla": 0.8, "short by one": 0.9, "long by one": 0.5}, {"vanilla": 0.95}
    rows = [
        row(name, 0, figures={"as_published.noise": value, "put_right.noise": right.get(name, value)})
        for name, value in published.items()
    ]
    first, second = plan.words(Measured(rows, {}))
    assert first == "Put right, 1 of 1 orders of the modes are not what they are as published."
    assert "short 90.0 % > vanilla 80.0 % > long 50.0 % as published; vanilla 95.0 % > short" in second.replace(
        "\u202f", " "
    ).replace("\u00a0", " ")
    assert second.endswith("put right, another order.")
    assert plan.words(Measured(rows[:2], {})) == []


def test_axes_are_worded() -> None:
    assert axes_of("put_right.fgsm") == ("ε, pixels from 0 to 1", "test accuracy after fgsm, put right")
    assert axes_of("inner") is None
    assert axes_of("put_right.fog") is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"trials": ["fog"]}, "unknown trial 'fog'; use some of noise, blur"),
        ({"modes": {"short": 5}}, "modes must take 1 to 4 inner steps, as many as teacher 'one' has, but take"),
        ({"modes": {"short": 0, "long": 4}}, "modes must take 1 to 4 inner steps"),
        ({"own_statistics": ["medium"]}, "own_statistics names 'medium'; use some of short, long, vanilla"),
    ],
)
def test_bad_settings_are_one_sentence(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Robustness.model_validate({**PLAIN, **changes})
