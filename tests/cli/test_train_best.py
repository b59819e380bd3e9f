"""Training and exporting the winner, as a user does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import refused, run


def test_the_winner_is_trained_and_exported(tmp_path: Path) -> None:
    storage, cheap = f"sqlite:///{tmp_path / 'nas.db'}", ["--threads", "1", "--set", "recipe.epochs=1"]
    run("search", "--proxy", "params", "--trials", "4", "--train-limit", "128", "--storage", storage, *cheap)
    words = ["train-best", "cnn_small-digits", "--storage", storage, "--out", tmp_path / "model"]
    made = json.loads(run(*words, *cheap, "--json").stdout)
    assert 0 < made["result"]["test_accuracy"] < 1
    assert made["recipe"]["epochs"] == 1
    assert "logits differ" in run("export", "model", tmp_path / "model", "--out", tmp_path / "m.onnx").stderr
    size = (tmp_path / "m.onnx").stat().st_size
    assert size > 1000
    said = refused("export", "model", tmp_path / "model", "--format", "pt2", "--out", tmp_path / "m.onnx")
    assert "m.onnx already exists; remove it or give another --out" in said
    assert (tmp_path / "m.onnx").stat().st_size == size
    assert "already holds a model; use --force" in refused(*words)
    assert "holds no study 'nope'; its studies are cnn_small-digits" in refused(
        "train-best", "nope", "--storage", storage, "--out", tmp_path / "other"
    )
    assert "has no trial 9; its last is 3" in refused(*words, "--force", "--trial", "9")
    assert "a model is exported as onnx or pt2, not as npz" in refused(
        "export", "model", tmp_path / "model", "--format", "npz", "--out", tmp_path / "m.npz"
    )
    assert "a teacher is exported as npz, safetensors or folder, not as pt2" in refused(
        "export", "teacher", tmp_path / "model", "--format", "pt2", "--out", tmp_path / "m.npz"
    )


@pytest.mark.parametrize("words", [["train-best", "s", "--out", "model"], ["dashboard"]])
def test_reading_a_storage_makes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.setattr("gtn_nas.dashboard.show.can_show", lambda: True)
    monkeypatch.chdir(tmp_path)
    assert "no such database nope.db; give the --storage of a search" in refused(
        *words, "--storage", "sqlite:///nope.db"
    )
    assert list(tmp_path.iterdir()) == []
