"""Bad input gets one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.running import refused

CLOSED = "http://127.0.0.1:9"  # nothing listens there: a network that refuses


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--data", "no_such_set"], "unknown data set 'no_such_set'"),
        (["--data", "none.npz"], "no file none.npz"),
        (["--space", "no_such_space"], "unknown search space 'no_such_space'"),
        (["--space", "none.py:Space"], "none.py"),
        (["--set", "teacher.steps=0"], "setting teacher.steps"),
        (["--set", "teacher.colour=red"], "setting teacher.colour"),
        (["--set", "steps"], "--set takes group.name=value"),
        (["--set", "teacher.inner=lion"], "unknown inner optimiser 'lion'"),
        (
            ["--set", "teacher.kind=real", "--set", "teacher.targets=learned"],
            "setting teacher: kind = real shows other",
        ),
        (["--learner", "alexnet"], "learner='alexnet' is outside the choices 'goodai', 'base'"),
        (["--learner", "goodai"], "learner goodai needs images of at least 10×10"),
        (["--learner", "base", "--space", "cnn_small"], "--learner and --space both say"),
        (["--truth", "none.jsonl"], "no truth table none.jsonl"),
        (["--config", "none.toml"], "cannot read settings file none.toml"),
        (["--time-budget", "soon"], "--time-budget must be a positive time"),
        (["--threads", "0"], "threads must be at least 1"),
        (["--device", "abacus"], "device 'abacus' is not available"),
        (["--resume"], "no checkpoint in"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, words: list[str], says: str) -> None:
    assert says in refused("train-teacher", "--out", tmp_path / "t", *words)
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["search", "--set", "meta.iterations=5"], "--set meta.iterations=5 has no effect here: it is for train-t"),
        (["search", "--teacher", "digits-cnn_small", "--set", "teacher.steps=64"], "but --teacher names one"),
        (["search", "--proxy", "params", "--set", "teacher.steps=64"], "but --proxy params takes none"),
        (["search", "--set", "nni.port=0"], "it is for --nni-service; leave it out"),
        (["truth", "--out", "t.jsonl", "--set", "teacher.steps=4"], "it is for train-teacher; leave it out"),
        (["train-teacher", "--set", "recipe.epochs=4"], "it is for real training, by truth, search and train-best"),
        (
            ["train-best", "s", "--storage", "sqlite:///none.db", "--out", "m", "--set", "meta.seed=1"],
            "it is for train-teacher; leave it out",
        ),
    ],
)
def test_a_setting_without_effect_is_refused(words: list[str], says: str) -> None:
    assert says in refused(*words)


def test_bad_data_is_one_sentence(tmp_path: Path) -> None:
    images, labels = np.zeros((20, 8, 8), np.uint8), np.arange(20) % 4
    np.savez(tmp_path / "gap.npz", x=images, y=labels * 2)
    np.savez(tmp_path / "text.npz", x=images.astype(str), y=labels)
    for name, says in (("gap.npz", "class 1 is empty"), ("text.npz", "must be numbers")):
        assert says in refused("truth", "--data", tmp_path / name, "--out", tmp_path / "truth.jsonl")


def test_missing_downloads_say_what_to_place_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"GTN_NAS_DATA": tmp_path, "https_proxy": CLOSED, "http_proxy": CLOSED}.items():
        monkeypatch.setenv(name, str(value))
    said = refused("truth", "--data", "mnist", "--out", tmp_path / "truth.jsonl")
    assert "MNIST/raw" in said
    assert "GTN_NAS_DATA" in said


def test_a_teacher_of_another_task_is_refused(workshop: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "other.npz", x=rng.integers(0, 255, (900, 12, 12), np.uint8), y=np.arange(900) % 10)
    said = refused("search", "--teacher", workshop / "teacher", "--data", tmp_path / "other.npz")
    assert "cannot use" in refused("truth", "--out", tmp_path)
    assert "image shape is [1, 8, 8], the task's is [1, 12, 12]" in said
    assert "no teacher in" in refused("show", tmp_path)
