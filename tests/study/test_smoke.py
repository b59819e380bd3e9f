"""Every shipped study runs at its smallest scale, by the verb."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gtn_nas.study import PAGE, RESULTS, shipped_studies
from tests.cli.running import refused, run


@pytest.mark.parametrize("name", [study.name for study in shipped_studies()])
def test_smoke(name: str, tmp_path: Path) -> None:
    words = ["study", "run", name, "--scale", "smoke", "--threads", "1", "--out", tmp_path]
    made = json.loads(run(*words, "--json").stdout)
    assert made["runs"] > 0
    assert made["failed"] == 0
    assert {claim["outcome"] for claim in made["claims"]} == {"not judged"}
    assert all(claim["numbers"] != "–" for claim in made["claims"])  # every claim is about something measured
    html = (tmp_path / PAGE).read_text()
    assert not re.search(r"url\((?!#)|@import|https?://|<script|<link", html)
    assert html.count("<svg") >= 2
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(set(ids)) == len(ids)
    assert {path.suffix for path in (tmp_path / "figures").iterdir()} == {".png", ".svg"}
    assert list((tmp_path / "tensorboard").rglob("events*"))
    written = (tmp_path / RESULTS).read_bytes()
    said = run(*words)
    assert (tmp_path / RESULTS).read_bytes() == written  # nothing was left to do
    assert "A trial run" in said.stdout


def test_studies_are_listed_and_shown() -> None:
    listed = json.loads(run("study", "list", "--json").stdout)["studies"]
    (found,) = (study for study in listed if study["name"] == "goodai_curriculum")
    assert found["scales"] == ["smoke", "cpu", "full"]
    assert "goodai_curriculum" in run("study", "list").stdout
    shown = run("study", "show", "goodai_curriculum").stdout
    assert "27 runs, 3 seeds, mnist@14" in shown
    assert "published: A/learned accuracy.test_batch 0.972" in shown
    assert json.loads(run("study", "show", "goodai_curriculum", "--json").stdout)["runs"]["smoke"] == 9


def test_bad_input_is_one_sentence(tmp_path: Path) -> None:
    assert "unknown study 'nope'; use one of" in refused("study", "run", "nope")
    assert "cannot read study" in refused("study", "show", tmp_path / "none.toml")
    assert "Invalid value for '--scale'" in run("study", "run", "goodai_curriculum", "--scale", "huge", code=2).stderr


def test_an_interruption_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gtn_nas.cli.study.run_study", stopped)
    said = run("study", "run", "uber_curriculum", "--scale", "smoke", "--out", tmp_path, code=130).stderr
    assert "keeps what is done; the same command goes on" in said
