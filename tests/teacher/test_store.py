"""Teachers are found by task, space and settings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gtn_nas.cli.teachers import teachers_command
from gtn_nas.errors import UserError
from gtn_nas.space import load_space
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.frozen import FrozenTeacher, load_teacher, save_teacher
from gtn_nas.teacher.store import find_teacher, folder_of, place_for, store_folder, stored_teachers

SPACE = load_space("cnn_small")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GTN_NAS_TEACHERS", str(tmp_path / "store"))
    for module in ("gtn_nas.teacher.store", "gtn_nas.cli.teachers"):
        monkeypatch.setattr(f"{module}.shipped_folder", lambda: tmp_path / "shipped")
    return store_folder()


def put(teacher: FrozenTeacher, folder: Path, task: Task, accuracy: float, **settings: object) -> None:
    card = {
        "task": task.name,
        "task_fingerprint": task.fingerprint,
        "space": SPACE.name,
        "space_fingerprint": SPACE.fingerprint,
        "quality": {"mean_validation_accuracy": accuracy},
    }
    save_teacher(replace(teacher, card=card, config=teacher.config.model_copy(update=settings)), folder)


def test_the_best_of_ones_own_goes_before_a_shipped_one(store: Path, digits: Task, tiny_teacher: FrozenTeacher) -> None:
    put(tiny_teacher, store.parent / "shipped" / "digits", digits, 0.9)
    assert find_teacher(digits, SPACE, {}).origin == "shipped"
    put(tiny_teacher, store / "a", digits, 0.5)
    put(tiny_teacher, store / "b", digits, 0.7, latent=99)
    assert find_teacher(digits, SPACE, {}).folder == store / "b"
    assert find_teacher(digits, SPACE, {"latent": tiny_teacher.config.latent}).folder == store / "a"
    assert [teacher.origin for teacher in stored_teachers()] == ["own", "own", "shipped"]


def test_none_fits(store: Path, digits: Task, tiny_teacher: FrozenTeacher) -> None:
    put(tiny_teacher, store / "a", digits, 0.5)
    with pytest.raises(
        UserError, match=r"train one: gtn-nas train-teacher --data digits --space cnn_small --set teacher"
    ):
        find_teacher(digits, SPACE, {"steps": 9999})
    with pytest.raises(UserError, match="no teacher for task 'digits' and space 'published'"):
        find_teacher(digits, load_space("published"), {})


def test_what_cannot_be_read_serves_nobody_and_is_said(
    store: Path, digits: Task, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in (("broken", "{"), ("list", "[]")):
        (store / name).mkdir(parents=True)
        (store / name / "teacher.json").write_text(text)
    (store / "latin").mkdir()
    (store / "latin" / "teacher.json").write_bytes(b'{"a": "\xff"}')
    assert [dict(teacher.card) for teacher in stored_teachers()] == [{}, {}, {}]
    with pytest.raises(UserError, match="no teacher for task"):
        find_teacher(digits, SPACE, {})
    teachers_command(as_json=False)
    assert capsys.readouterr().err.count("cannot be read") == 3


def test_places_differ_by_settings_and_are_plain_names(store: Path, digits: Task) -> None:
    part = load_space("cnn_small[norm=batch]")
    places = {place_for(digits, space, TeacherConfig(steps=steps)) for space in (SPACE, part) for steps in (8, 16)}
    assert len(places) == 4
    assert all(place.parent == store and "[" not in place.name for place in places)


def test_a_card_with_holes_is_listed_and_serves_nobody(store: Path, digits: Task) -> None:
    (store / "a").mkdir(parents=True)
    card = {
        "task_fingerprint": digits.fingerprint,
        "space_fingerprint": SPACE.fingerprint,
        "quality": None,
        "config": None,
    }
    (store / "a" / "teacher.json").write_text(json.dumps(card))
    (teacher,) = stored_teachers()
    assert teacher.quality == -1
    with pytest.raises(UserError, match="no teacher for task"):
        find_teacher(digits, SPACE, {"steps": 8})


def test_the_command_that_is_advised_names_all_that_matters(store: Path, digits: Task) -> None:
    with pytest.raises(UserError) as refused:
        find_teacher(replace(digits, train_limit=500), load_space("cnn_small[norm=batch]"), {})
    assert str(refused.value).endswith("--data digits --space 'cnn_small[norm=batch]' --train-limit 500")


def test_teachers_are_shipped_that_are_good_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: Task
) -> None:
    monkeypatch.setenv("GTN_NAS_TEACHERS", str(tmp_path))
    shipped = list(stored_teachers())
    assert find_teacher(digits, SPACE, {}).origin == "shipped"
    least = {"digits": 0.9, "mnist": 0.86, "fashion_mnist": 0.75}
    assert {teacher.card["task"] for teacher in shipped} == set(least)
    for teacher in shipped:
        card = load_teacher(teacher.folder).card
        assert card["quality"]["mean_validation_accuracy"] > least[card["task"]]
        assert sum(path.stat().st_size for path in teacher.folder.iterdir()) < 3e6


def test_a_teacher_is_given_by_its_folder_or_its_name(
    store: Path, digits: Task, tiny_teacher: FrozenTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = store.parent / "shipped"
    for folder in (store / "mine", store / "both", shipped / "both", shipped / "theirs"):
        put(tiny_teacher, folder, digits, 0.5)
    found = {name: folder_of(Path(name)) for name in ("mine", "both", "theirs")}
    assert found == {"mine": store / "mine", "both": store / "both", "theirs": shipped / "theirs"}
    (tmp_path / "here" / "both").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert folder_of(Path("both")) == Path("both")
    with pytest.raises(UserError, match="no teacher in 'nobody', and none has this name; gtn-nas teachers lists"):
        folder_of(Path("nobody"))


def test_both_places_of_teachers_are_said(
    store: Path, digits: Task, tiny_teacher: FrozenTeacher, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tiny_teacher, store / "mine", digits, 0.5)
    teachers_command(as_json=False)
    said = capsys.readouterr().err
    assert f"store: {store}" in said
    assert f"shipped: {store.parent / 'shipped'}" in said
    teachers_command(as_json=True)
    assert json.loads(capsys.readouterr().out)["shipped"] == str(store.parent / "shipped")
