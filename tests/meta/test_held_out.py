"""What training never draws, and how teachers are judged by it."""

from __future__ import annotations

import numpy as np
import pytest

from gtn_nas.meta.draw import draw_architecture, grown, odds_by_size
from gtn_nas.meta.held_out import hold_out
from gtn_nas.meta.validation import Validation, grades, validate
from gtn_nas.processes import World
from gtn_nas.space import load_space
from gtn_nas.space.narrowing import narrow
from gtn_nas.task import Task
from gtn_nas.teacher.frozen import FrozenTeacher

SPACE = load_space("cnn_small")


def test_validation_and_quality_do_not_overlap_and_are_always_the_same() -> None:
    held, again = hold_out(SPACE, 4), hold_out(SPACE, 4)
    assert held == again
    assert (len(held.validation), len(held.quality), len(held.keys)) == (4, 16, 20)
    assert held.truth is None


def test_a_truth_table_is_kept_from_training_whole() -> None:
    truth = [(architecture, 0.1 * number) for number, architecture in enumerate(SPACE.sample_many(9, 3))]
    held = hold_out(SPACE, 4, truth)
    assert held.validation == tuple(a for a, _ in truth[:4])
    assert held.truth == pytest.approx((0.0, 0.1, 0.2, 0.3))
    assert {SPACE.key(a) for a, _ in truth} <= held.keys
    assert not {SPACE.key(a) for a in held.quality} & {SPACE.key(a) for a, _ in truth}


def test_a_space_of_one_is_tried_with_many_learners(digits: Task) -> None:
    held = hold_out(load_space("published[learner=base]"), 4)
    assert held.validation == ({"learner": "base"},) * 4
    assert held.quality == ({"learner": "base"},) * 16
    assert not held.keys


def test_in_a_space_of_few_choice_and_quality_share_nothing() -> None:
    space = load_space("published")
    truth = [(architecture, 0.1) for architecture in space.grid()]
    for given in (None, truth):
        held = hold_out(space, 4, given)
        chosen, others = ({a["learner"] for a in part} for part in (held.validation, held.quality))
        assert not chosen & others
        assert len(chosen) == 4
        assert not held.keys
        assert (held.truth is None) == (given is None)


def test_a_table_of_the_whole_space_leaves_something_to_draw(digits: Task) -> None:
    fixed = {f"stage{n}_{what}": value for n in (1, 2, 3) for what, value in (("op", "conv3"), ("depth", "1"))}
    space = narrow(SPACE, fixed)
    assert 300 < space.size < 10_000
    every = [(architecture, 0.5) for architecture in space.grid()]
    held = hold_out(space, 4, every)
    assert 10 * len(held.keys) <= space.size
    draw_architecture(np.random.default_rng(0), space, None, held.keys)


def test_held_out_architectures_are_never_drawn(digits: Task) -> None:
    few = load_space(
        "cnn_small[" + ",".join(f"{n}={v}" for n, v in SPACE.sample_many(1, 0)[0].items() if n != "norm") + "]"
    )
    keys = [few.key(a) for a in few.grid() if a["norm"] != "group"]
    rng = np.random.default_rng(0)
    assert {draw_architecture(rng, few, None, keys)["norm"] for _ in range(20)} == {"group"}


def test_sampling_by_size_favours_small_or_large(digits: Task) -> None:
    def median_size(power: float) -> float:
        rng, odds = np.random.default_rng(0), odds_by_size(SPACE, digits, power=power)
        drawn = [draw_architecture(rng, SPACE, odds) for _ in range(40)]
        return float(np.median([SPACE.cost(a, digits).params for a in drawn]))

    assert 1.4 * median_size(-1.0) < median_size(1.0)


def test_lessons_grow() -> None:
    assert [grown(32, 0.5, progress) for progress in (0.0, 0.25, 0.5, 1.0)] == [8, 20, 32, 32]
    assert grown(32, 0.0, 0.0) == 32
    assert grown(2, 1.0, 0.0) == 1


def test_validation_without_and_with_truth(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    architectures = SPACE.sample_many(3, 5)
    found = [grade.accuracy for grade in grades(tiny_teacher, SPACE, digits, architectures)]
    plain = validate(tiny_teacher, SPACE, digits, architectures, None, 7)
    assert plain == Validation(7, pytest.approx(np.mean(found)), None)
    assert plain.figure == plain.accuracy
    ranked = validate(tiny_teacher, SPACE, digits, architectures, [-value for value in found], 7)
    assert ranked.figure == ranked.spearman == pytest.approx(-1.0)
    tied = validate(tiny_teacher, SPACE, digits, architectures, [0.5, 0.5, 0.5], 7)
    assert tied.spearman is None
    assert tied.figure < ranked.figure  # no ranking at all is worse than a bad one


def test_processes_share_a_validation(
    digits: Task, tiny_teacher: FrozenTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    architectures = SPACE.sample_many(3, 5)
    monkeypatch.setattr(World, "average", lambda self, tensors: None)
    parts = [grades(tiny_teacher, SPACE, digits, architectures, World(rank, 2)) for rank in (0, 1)]
    mean = [(first.loss + second.loss) / 2 for first, second in zip(*parts, strict=True)]
    assert mean == pytest.approx([grade.loss for grade in grades(tiny_teacher, SPACE, digits, architectures)])
