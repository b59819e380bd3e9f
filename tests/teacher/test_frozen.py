"""Saving and loading a frozen teacher; refusing what does not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gtn_nas.errors import UserError
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.frozen import CARD, LESSON, FrozenTeacher, load_teacher, save_teacher
from gtn_nas.teacher.lesson import Lesson
from search_spaces.cnn_small import CnnSmall


@pytest.fixture
def teacher(digits: Task) -> FrozenTeacher:
    torch.manual_seed(0)
    hyper = {"lr": torch.full((4,), 0.01), "beta1": torch.full((4,), 0.9), "beta2": torch.full((4,), 0.95)}
    lesson = Lesson(torch.randn(4, 10, 1, 8, 8), torch.arange(40).view(4, 10) % 10, hyper)
    card = {
        "classes": 10,
        "task_fingerprint": digits.fingerprint,
        "space": "cnn_small",
        "space_fingerprint": CnnSmall().fingerprint,
    }
    return FrozenTeacher(lesson, TeacherConfig(steps=4, batch_size=10, statistics_batches=2), card)


def test_what_is_saved_is_loaded(teacher: FrozenTeacher, tmp_path: Path) -> None:
    save_teacher(teacher, tmp_path / "t")
    loaded = load_teacher(tmp_path / "t")
    assert loaded.fingerprint == teacher.fingerprint
    assert loaded.config == teacher.config
    assert torch.equal(loaded.lesson.images, teacher.lesson.images)
    assert torch.equal(loaded.lesson.targets, teacher.lesson.targets)
    assert loaded.lesson.hyper.keys() == teacher.lesson.hyper.keys()
    assert loaded.card["space"] == "cnn_small"
    assert sorted(path.name for path in (tmp_path / "t").iterdir()) == [LESSON, CARD]


def test_the_protocol_is_the_configured_one(teacher: FrozenTeacher, digits: Task) -> None:
    seen = teacher.protocol(digits).seen(teacher.lesson.images, teacher.lesson.steps - 1)
    assert torch.equal(seen, teacher.lesson.images[2:].flatten(0, 1))
    real = replace(teacher, config=teacher.config.model_copy(update={"statistics": "real"}))
    assert torch.equal(real.protocol(digits).images, digits.train.images[:256])
    assert real.fingerprint != teacher.fingerprint


def _cut(folder: Path) -> None:
    data = (folder / LESSON).read_bytes()
    (folder / LESSON).write_bytes(data[: len(data) // 2])


def _flip(folder: Path) -> None:
    data = bytearray((folder / LESSON).read_bytes())
    data[-1] ^= 0x40
    (folder / LESSON).write_bytes(bytes(data))


def _edit_card(**changes: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        card = json.loads((folder / CARD).read_text())
        (folder / CARD).write_text(json.dumps({**card, **changes}))

    return edit


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_cut, "is damaged"),
        (_flip, "does not match the fingerprint"),
        (lambda folder: (folder / CARD).write_text("{"), "is damaged"),
        (lambda folder: (folder / LESSON).unlink(), "is damaged"),
        (lambda folder: (folder / CARD).unlink(), "no teacher in"),
        (_edit_card(config={"steps": -1}), "is damaged"),
        (_edit_card(format=99), "has format 99"),
    ],
    ids=["cut", "bit flipped", "card cut", "no lesson", "no card", "bad config", "format"],
)
def test_damage_is_noticed(teacher: FrozenTeacher, tmp_path: Path, damage: Callable[[Path], None], words: str) -> None:
    save_teacher(teacher, tmp_path)
    damage(tmp_path)
    with pytest.raises(UserError, match=words):
        load_teacher(tmp_path)


def test_other_task_and_space_are_refused(teacher: FrozenTeacher, digits: Task) -> None:
    class Other(CnnSmall):
        version = 99

    teacher.check_task(digits)
    teacher.check_space(CnnSmall())
    with pytest.raises(UserError, match="trained across space 'cnn_small'"):
        teacher.check_space(Other())
    with pytest.raises(UserError, match="class count is 10, the task's is 11"):
        teacher.check_task(replace(digits, classes=11))
    larger = replace(digits, train=replace(digits.train, images=torch.zeros(2, 3, 9, 9)))
    with pytest.raises(UserError, match=r"image shape is \[1, 8, 8\], the task's is \[3, 9, 9\]"):
        teacher.check_task(larger)
    relabelled = replace(digits, test=replace(digits.test, labels=digits.test.labels.flip(0)))
    with pytest.raises(UserError, match="task fingerprint"):
        teacher.check_task(relabelled)
