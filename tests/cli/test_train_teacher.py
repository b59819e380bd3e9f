"""Training teachers, as a user does."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.cli.running import TINY, refused, run


def test_an_interrupted_training_says_how_to_resume_and_does(tmp_path: Path) -> None:
    words = ["train-teacher", "--out", tmp_path / "t", *TINY]
    process = subprocess.Popen(
        [sys.executable, "-m", "gtn_nas", *map(str, words), "--iterations", "100000"],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "t" / "checkpoint.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.2)  # the first checkpoint comes with the first outer step
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in said
    steps = len(_curve(tmp_path / "t"))
    assert steps > 0
    refused(*words, "--iterations", str(steps + 2))
    made = run(*words, "--iterations", str(steps + 2), "--resume", "--json")
    assert json.loads(made.stdout)["outer_steps"] == steps + 2


def _curve(folder: Path) -> list[object]:
    from safetensors import safe_open

    with safe_open(folder / "checkpoint.safetensors", framework="pt") as file:
        curve: list[object] = json.loads(file.metadata()["run"])["curve"]
    return curve


def test_resume_and_force_are_refused_together(tmp_path: Path) -> None:
    said = refused("train-teacher", "--data", "digits", "--out", tmp_path, "--resume", "--force")
    assert "--resume goes on from what --force would remove" in said


def test_the_store_serves_a_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTN_NAS_TEACHERS", str(tmp_path / "store"))
    space = "cnn_small[norm=batch]"  # no teacher is shipped for it
    said = refused("search", "--space", space)
    assert "train one: gtn-nas train-teacher --data digits --space 'cnn_small[norm=batch]'" in said
    words = ["train-teacher", "--space", space, "--iterations", "2", *TINY, "--log", tmp_path / "log"]
    done = run(*words)
    assert f"next: gtn-nas search --space '{space}' --data digits --storage" in done.stderr
    assert "16 fresh learners (16 architectures) reach" in done.stderr
    assert list((tmp_path / "log").glob("events*"))
    listed = json.loads(run("teachers", "--json").stdout)["teachers"]
    (mine,) = [teacher for teacher in listed if teacher["origin"] == "own"]
    assert (mine["task"], mine["space"], mine["lesson"]) == ("digits", space, "4 × 10")
    assert "4 × 10" in run("teachers").stdout
    searched = run("search", "--space", space, "--trials", "2", "--set", "teacher.steps=4", "--threads", "1", "--json")
    assert json.loads(searched.stdout)["trials"] == 2
    refused("search", "--space", space, "--set", "teacher.steps=5")


def test_a_teacher_for_one_published_learner_and_its_export(tmp_path: Path) -> None:
    words = ["train-teacher", "--learner", "linear", "--out", tmp_path / "t", "--iterations", "2", *TINY, "--json"]
    card = json.loads(run(*words).stdout)
    assert card["space"] == "published[learner=linear]"
    assert (card["quality"]["architectures"], card["quality"]["learners"]) == (1, 16)
    run("export", "teacher", tmp_path / "t", "--out", tmp_path / "lesson.npz")
    assert np.load(tmp_path / "lesson.npz")["images"].shape == (4, 10, 1, 8, 8)
    run("export", "teacher", tmp_path / "t", "--out", tmp_path / "lesson.npz", code=2)
    searched = run("search", "--teacher", tmp_path / "t", "--trials", "1", "--threads", "1", "--json")
    assert json.loads(searched.stdout)["best"]["architecture"] == {"learner": "linear"}


def test_a_teacher_chosen_by_a_truth_table_is_judged_on_the_rest(workshop: Path, tmp_path: Path) -> None:
    table = ["--truth", workshop / "truth.jsonl"]
    words = ["train-teacher", "--out", tmp_path / "t", "--iterations", "2", *TINY, *table, "--json"]
    card = json.loads(run(*words, "--set", "meta.validation_architectures=3").stdout)
    assert len(card["chosen_on"]) == 3
    assert {"accuracy", "outer_steps", "spearman"} <= card["validation"][0].keys()
    judged = ["correlate", "--teacher", tmp_path / "t", *table, "--out", tmp_path / "r", "--threads", "1", "--json"]
    assert json.loads(run(*judged).stdout)["n"] == 2
