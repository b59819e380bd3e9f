from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from gtn_nas.study import Measured, Row
from gtn_nas.study.transfer import Transfer

PLAIN = {
    "data": "digits",
    "seeds": 2,
    "learners": ["base", "linear"],
    "steps": [2, 4],
    "teachers": {"one": {"space": "cnn_small", "teacher": {"steps": 4}}},
}


def rows(row: Callable[..., Row], one: dict[str, list[float]], real: float = 0.9) -> Measured:
    """Learner → its accuracy after two and after four steps, from two seeds."""
    found = [
        row(f"one/{name}", seed, figures={"after.2": after[0], "after.4": after[1]})
        for name, after in one.items()
        for seed in range(2)
    ]
    found += [row(f"real data/{name}", seed, figures={"real": real}) for name in one for seed in range(2)]
    return Measured(found, {})


def test_a_learner_is_accepted_that_passes_every_mode(row: Callable[..., Row]) -> None:
    plan = Transfer.model_validate(PLAIN)
    passed = {"base": [0.8, 0.9], "linear": [0.6, 0.9]}
    assert plan.derived(rows(row, passed)) == {("one", "accepted"): [1.0]}
    assert plan.derived(rows(row, {**passed, "linear": [0.71, 0.9]})) == {("one", "accepted"): [2.0]}
    assert plan.derived(rows(row, passed, real=0.2)) == {("one", "accepted"): [0.0]}
    assert plan.words(rows(row, passed)) == ["The teacher one serves 1 of 2 learners: base; not linear."]
    part = rows(row, {"base": [0.8, 0.9]})
    assert plan.derived(part) == {}  # linear is still to come
    assert plan.words(part) == ["The teacher one has not taught every learner yet."]


def test_every_teacher_teaches_every_learner() -> None:
    runs = Transfer.model_validate(PLAIN).runs()
    variants = ["real data/base", "real data/linear", "one/base", "one/linear"]
    assert [(run.variant, run.seed) for run in runs] == [(name, seed) for name in variants for seed in range(2)]
    other = Transfer.model_validate({**PLAIN, "steps": [1, 4]}).runs()
    assert [run.key for run in other[:4]] == [run.key for run in runs[:4]]  # real training knows no inner steps
    assert not {run.key for run in other[4:]} & {run.key for run in runs[4:]}


def test_a_lesson_must_be_long_enough() -> None:
    with pytest.raises(ValidationError, match="after 5 inner steps, but teacher 'one' has 4"):
        Transfer.model_validate({**PLAIN, "steps": [5]})
