from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gtn_nas.meta.config import MetaConfig
from gtn_nas.meta.train import can_resume
from gtn_nas.meta.trainer import MetaTrainer, OuterStep
from gtn_nas.space import load_space
from gtn_nas.study.examine import accuracies_on_test, in_other_orders
from gtn_nas.study.workshop import Workshop
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.frozen import FrozenTeacher
from gtn_nas.teacher.lesson import Lesson

SMALL = TeacherConfig(steps=2, batch_size=10, width=8, warm_start=0)
SHORT = MetaConfig(iterations=2, real_batch=16, validate_every=0)


def test_other_orders_hold_the_same_batches(tiny_teacher: FrozenTeacher) -> None:
    lesson = tiny_teacher.lesson
    orders = list(in_other_orders(lesson, 3, seed=1))
    places = []
    for other in orders:
        index = [next(i for i in range(lesson.steps) if torch.equal(one, lesson.images[i])) for one in other.images]
        assert sorted(index) == list(range(lesson.steps))
        torch.testing.assert_close(other.targets, lesson.targets[index])
        assert other.hyper == lesson.hyper  # every step keeps its own
        places.append(index)
    assert len({tuple(index) for index in places}) == 3


def test_both_protocols_and_stops(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    space = load_space("cnn_small[norm=batch]")
    seen = accuracies_on_test(tiny_teacher, space, digits, seed=0, images=200, stops=(2, 5))
    assert [one.steps for one in seen] == [2, 5, 8]
    assert seen[-1].lesson > 0.3
    assert seen[-1].test_batch > 0.3
    assert any(one.lesson != one.test_batch for one in seen)  # whose statistics count makes a difference
    plain = load_space("cnn_small[norm=none]")
    for one in accuracies_on_test(tiny_teacher, plain, digits, seed=0, images=200):
        assert one.lesson == one.test_batch


def test_a_learner_that_diverges_is_not_left_out(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    rates = tiny_teacher.lesson.hyper["lr"].clone()
    rates[3] = torch.inf
    hyper = {**tiny_teacher.lesson.hyper, "lr": rates}
    lesson = Lesson(tiny_teacher.lesson.images, tiny_teacher.lesson.targets, hyper)
    seen = accuracies_on_test(tiny_teacher, load_space("cnn_small"), digits, 0, 100, stops=(1, 2, 5), lesson=lesson)
    assert [one.steps for one in seen] == [1, 2, 5, 8]
    assert seen[2].lesson == seen[3].lesson


def test_a_teacher_is_trained_once(digits: Task, tmp_path: Path) -> None:
    space, taken = load_space("published[learner=linear]"), []

    def note(trainer: MetaTrainer, step: OuterStep) -> None:
        taken.append(step.number)
        if len(taken) == 1:
            raise KeyboardInterrupt

    shop = Workshop(digits, tmp_path, note)
    with pytest.raises(KeyboardInterrupt):
        shop.teacher(space, SMALL, SHORT, "a/0")
    first = shop.teacher(space, SMALL, SHORT, "a/0")
    assert taken == [0, 1]  # it went on from its checkpoint
    again = shop.teacher(space, SMALL, SHORT, "a/0")
    assert taken == [0, 1]
    assert again.fingerprint == first.fingerprint
    (folder,) = (tmp_path / "teachers").iterdir()
    assert not can_resume(folder)
    assert list((tmp_path / "tensorboard" / "a-0").glob("events*"))
