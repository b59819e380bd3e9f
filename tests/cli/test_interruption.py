"""What is said when Ctrl-C ends a verb."""

from __future__ import annotations

import io
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from gtn_nas.cli.interruption import ANEW, saying_what_is_kept
from gtn_nas.cli.search_views import kept_by_search
from gtn_nas.proxy.counts import Params
from gtn_nas.teacher.teacher import Teacher
from tests.cli.running import run
from tests.cli.test_progress import terminal

__all__ = ["terminal"]

CHEAP = ["--train-limit", "128", "--threads", "1", "--set", "recipe.epochs=1"]


def interrupt_at(patch: pytest.MonkeyPatch, owner: Any, name: str, call: int) -> None:
    """Have a function interrupted when it is called for the ``call``-th time."""
    function, calls = getattr(owner, name), []

    def interrupted(*words: Any, **options: Any) -> Any:
        calls.append(None)
        if len(calls) == call:
            raise KeyboardInterrupt
        return function(*words, **options)

    patch.setattr(owner, name, interrupted)


def test_a_search_says_what_its_storage_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = f"sqlite:///{tmp_path / 'nas.db'}"
    words = ["search", "--proxy", "params", "--sampler", "random", "--trials", "6", "--threads", "1"]
    with monkeypatch.context() as patch:
        interrupt_at(patch, Params, "measure", 4)
        said = run(*words, "--storage", storage, code=130).stderr
    assert f"3 of 6 candidates are kept in {storage}; the same command goes on." in said
    with monkeypatch.context() as patch:
        interrupt_at(patch, Params, "measure", 4)
        assert "no --storage: nothing was kept." in run(*words, code=130).stderr
    assert "best of 6 candidates" in run(*words, "--storage", storage).stdout


def test_a_search_that_opened_nothing_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        saying_what_is_kept(lambda: kept_by_search([], 3, "sqlite:///nas.db")),
    ):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == ""


def test_a_comparison_says_how_many_scores_it_keeps(
    workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["correlate", "--teacher", workshop / "teacher", "--truth", workshop / "truth.jsonl", "--out", tmp_path]
    words += ["--proxy", "params", "--threads", "1"]
    with monkeypatch.context() as patch:
        interrupt_at(patch, Params, "measure", 4)
        said = run(*words, code=130).stderr
    assert f"3 scores are kept in {tmp_path / 'scores.jsonl'}; the same command goes on." in said
    with monkeypatch.context() as patch:
        interrupt_at(patch, Params, "measure", 3)  # of the two that were left
        run(*words)


def test_a_model_that_was_not_trained_to_the_end_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage, model = f"sqlite:///{tmp_path / 'nas.db'}", tmp_path / "model"
    run("search", "--proxy", "params", "--trials", "2", "--storage", storage, *CHEAP)
    words = ["train-best", "cnn_small-digits", "--storage", storage, "--out", model]
    interrupt_at(monkeypatch, import_module("gtn_nas.cli.train_best"), "train_network", 1)
    assert ANEW in run(*words, "--threads", "1", code=130).stderr
    assert not model.exists()


def test_a_demo_says_that_it_starts_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_at(monkeypatch, Teacher, "resemble_real_images", 1)
    said = run("demo", "--out", tmp_path / "demo", code=130).stderr
    assert "with --force the same command starts anew." in said


def test_a_truth_table_says_how_many_trainings_it_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["truth", "--out", tmp_path / "t.jsonl", "--architectures", "3", "--seeds", "1", *CHEAP]
    for call, kept in ((1, "0 trainings are"), (2, "1 training is")):
        with monkeypatch.context() as patch:
            interrupt_at(patch, import_module("gtn_nas.correlation.make_truth"), "train_one", call)
            said = run(*words, code=130).stderr
        assert f"{kept} kept in {tmp_path / 't.jsonl'}; the same command goes on." in said
    assert "3 architectures × 1 seed, test accuracy" in run(*words).stderr


def test_a_training_that_has_no_outer_step_yet_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_at(monkeypatch, Teacher, "resemble_real_images", 1)
    said = run("train-teacher", "--out", tmp_path / "t", "--threads", "1", code=130).stderr
    assert "nothing to save yet: no outer step was taken; the same command starts anew." in said
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize("terminal", [100], indirect=True)
def test_the_warm_start_has_a_label(terminal: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_at(monkeypatch, Teacher, "resemble_real_images", 1)
    run("train-teacher", "--out", tmp_path / "t", "--threads", "1", code=130)
    assert "warm start on real images" in terminal.getvalue()
    run("train-teacher", "--out", tmp_path / "t", "--threads", "1", "--resume", code=2)
    assert "first outer step" in terminal.getvalue()
