"""The demo."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.running import refused, run


def test_demo_runs_the_whole_path(tmp_path: Path) -> None:
    small = ["demo.candidates=4", "demo.verify=2", "demo.architectures=5", "demo.truth_seeds=2", "recipe.epochs=1"]
    small += ["meta.iterations=3", "teacher.steps=4", "teacher.warm_start=2", "teacher.batch_size=10"]
    options = [part for setting in small for part in ("--set", setting)]
    done = run("demo", "--out", tmp_path / "demo", *options, "--json")
    made = json.loads(done.stdout)
    assert made["correlation"]["n"] == 5
    assert 0 <= made["winner"]["test_accuracy"] <= 1
    expected = {"teacher", "study.db", "truth.jsonl", "correlation.json", "report.html", "truth.log"}
    assert _left_in(tmp_path / "demo") == expected
    assert "already holds a demo" in refused("demo", "--out", tmp_path / "demo")
    assert _left_in(tmp_path / "demo") == expected
    assert "setting demo.candidates" in refused("demo", "--out", tmp_path / "x", "--set", "demo.candidates=0")
    assert "setting demo.verify" in refused("demo", "--out", tmp_path / "x", "--set", "demo.verify=many")


def _left_in(folder: Path) -> set[str]:
    """SQLite's log lies beside the study until the process that opened it, here the tests', has ended."""
    return {path.name for path in folder.iterdir() if not path.name.startswith("study.db-")}
