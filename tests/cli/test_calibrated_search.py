"""Searching by calibrated scores, as a user does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gtn_nas.proxy import Proxy, Score
from gtn_nas.search import score_over_seeds
from gtn_nas.space import Architecture
from search_spaces.cnn_small import CnnSmall
from tests.cli.running import refused, run


def test_search_by_calibrated_scores(tmp_path: Path) -> None:
    table, cheap = tmp_path / "truth.jsonl", ["--train-limit", "128", "--threads", "1", "--set", "recipe.epochs=1"]
    run("truth", "--out", table, "--architectures", "8", "--seeds", "1", *cheap)
    words = ["search", "--proxy", "synflow", "--trials", "6", *cheap]
    found = json.loads(run(*words, "--calibrate", table, "--json").stdout)
    assert 0 < found["best"]["value"] < 1  # synflow itself is far above
    rounds = [*words, "--verify", "10", "--calibrate-every", "8", "--trials", "20"]
    found = json.loads(run(*rounds, "--json").stdout)
    assert len(found["verified"]) == 10
    assert 0 < found["best"]["value"] < 1
    assert "needs as many real trainings, but --verify is 0" in refused(*words, "--calibrate-every", "8")
    assert "must be a positive time" in refused(*words, "--time-budget", "soon")
    assert "leave --race out" in refused(*rounds, "--race", "4")


def test_a_calibrated_search_goes_on_where_scores_are_not_the_same_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other threads give a lesson's score other last bits: a study keeps those that it was calibrated by."""
    table, cheap = tmp_path / "truth.jsonl", ["--train-limit", "128", "--threads", "1", "--set", "recipe.epochs=1"]
    run("truth", "--out", table, "--architectures", "8", "--seeds", "1", *cheap)
    words = ["search", "--proxy", "synflow", "--calibrate", table, "--storage", f"sqlite:///{tmp_path / 'nas.db'}"]
    first = json.loads(run(*words, *cheap, "--trials", "2", "--json").stdout)
    asked = []

    def score_anew(proxy: Proxy, architecture: Architecture, seeds: int) -> list[Score]:
        asked.append(architecture)
        return score_over_seeds(proxy, CnnSmall().sample_many(1, len(asked))[0], seeds)

    monkeypatch.setattr("gtn_nas.correlation.scoring.score_over_seeds", score_anew)
    again = json.loads(run(*words, *cheap, "--trials", "2", "--json").stdout)
    assert (again["trials"], again["best"], asked) == (2, first["best"], [])
    run(*words, *cheap, "--trials", "2", "--study", "another", "--json")
    assert asked == []
    run(*words, *cheap, "--trials", "2", "--study", "third", "--seeds", "2", "--json")
    assert len(asked) == 8
