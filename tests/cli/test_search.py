"""Searching, as a user does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gtn_nas.search import load_study
from tests.cli.running import refused, run


def test_search_verifies_and_goes_on(workshop: Path, tmp_path: Path) -> None:
    words = ["search", "--teacher", workshop / "teacher", "--storage", f"sqlite:///{tmp_path / 'nas.db'}"]
    words += ["--verify", "2", "--set", "recipe.epochs=1", "--threads", "1", "--json"]
    first = json.loads(run(*words, "--trials", "4").stdout)
    assert first["trials"] == 4
    assert len(first["verified"]) == 2
    assert first["winner"] == first["verified"][0]
    by_score = sorted(first["verified"], key=lambda row: (-row["value"], row["params"]))
    lost = first["winner"]["validation_accuracy"] - by_score[0]["validation_accuracy"]
    assert first["regret"] == pytest.approx(lost)
    again = json.loads(run(*words, "--trials", "5").stdout)
    assert again["trials"] == 5


def test_search_races_its_leaders() -> None:
    words = ["search", "--trials", "6", "--race", "3", "--threads", "1"]
    found = json.loads(run(*words, "--json").stdout)
    assert found["best"]["race"]["initialisations"] == 8
    shown = run(*words).stdout
    assert "mean of" in shown
    assert "best of 6 candidates" in shown
    assert "on which flops does not depend; leave --race out" in refused(*words, "--proxy", "flops")


def test_search_weighs_objectives_and_heeds_limits(tmp_path: Path) -> None:
    words = ["search", "--proxy", "synflow", "--sampler", "nsgaii", "--objective", "accuracy", "--objective", "flops"]
    words += ["--max-params", "60000", "--trials", "12", "--threads", "1"]
    found = json.loads(run(*words, "--storage", f"sqlite:///{tmp_path / 'nas.db'}", "--json").stdout)
    assert found["trials"] == 12
    assert len(found["best"]["values"]) == 2
    shown = run(*words).stdout
    assert "accuracy" in shown
    assert "flops" in shown


def test_search_refuses_what_cannot_be() -> None:
    assert "sampler 'grid' tries every architecture" in refused("search", "--sampler", "grid")
    assert "unknown objective 'size'" in refused("search", "--objective", "size")
    assert "unknown proxy 'sinflow'" in refused("search", "--proxy", "sinflow")
    assert "proxy params has no reading 'size'" in refused("search", "--proxy", "flops+params.size")


def test_search_by_a_sum_of_ranks() -> None:
    found = json.loads(run("search", "--proxy", "params+flops", "--trials", "5", "--threads", "1", "--json").stdout)
    assert found["trials"] == 5
    assert -4 < found["best"]["value"] < 4


def test_search_prints_a_table_for_people(workshop: Path) -> None:
    done = run("search", "--teacher", workshop / "teacher", "--trials", "3", "--threads", "1")
    assert "best of 3 candidates" in done.stdout
    assert "winner:" in done.stdout
    words = ["--trials", "1", "--verify", "1", "--set", "recipe.epochs=1", "--threads", "1"]
    done = run("search", "--proxy", "params", *words)
    assert "best of 1 candidate, trained" in done.stdout
    assert "The real trainings took 1 epoch." in done.stdout


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """A space whose networks are counted, and cannot be built."""
    space = tmp_path / "broken.py"
    space.write_text(
        "from gtn_nas.space import Cost\nfrom search_spaces.cnn_small import CnnSmall\n\n\n"
        "class Broken(CnnSmall):\n    name = 'broken'\n\n"
        "    def cost(self, architecture, task):\n        return Cost(1, 1)\n\n"
        "    def build(self, architecture, task):\n        raise ValueError('no such layer')\n"
    )
    return f"{space}:Broken"


def test_a_search_that_scored_nothing_says_so_and_ends_with_1(broken: str) -> None:
    words = ["search", "--space", broken, "--proxy", "synflow", "--trials", "2", "--threads", "1"]
    said = run(*words, code=1).stderr
    assert "2 of 2 candidates failed; first reason: ValueError: no such layer" in said
    assert "no candidate could be scored." in said
    assert json.loads(run(*words, "--json", code=1).stdout)["best"] is None


def test_a_search_that_verified_nothing_says_why(broken: str, tmp_path: Path) -> None:
    words = ["search", "--space", broken, "--proxy", "params", "--trials", "2", "--verify", "2", "--threads", "1"]
    words += ["--storage", f"sqlite:///{tmp_path / 'nas.db'}"]
    done = run(*words, code=1)
    assert "candidate 0 could not be trained: ValueError: no such layer" in done.stderr
    assert "of the best, none was trained on real data: all of them failed." in done.stderr
    assert "best of 2 candidates" in done.stdout
    done = run(*words, "--time-budget", "0.000001s")
    assert "of the best, none was trained on real data: the time budget was spent." in done.stderr


def test_real_steps_without_a_teacher_take_their_sizes_from_the_settings(tmp_path: Path) -> None:
    words = ["search", "--proxy", "real_steps", "--trials", "1", "--threads", "1", "--storage"]
    found = set()
    for steps in (2, 3):
        storage = f"sqlite:///{tmp_path / f'{steps}.db'}"
        run(*words, storage, "--set", f"teacher.steps={steps}", "--set", "teacher.batch_size=16", "--json")
        found.add(load_study(storage, "cnn_small-digits").user_attrs["proxy_fingerprint"])
    assert len(found) == 2


def test_a_file_of_settings_may_serve_several_verbs(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("[meta]\nseed = 1\n[recipe]\nepochs = 1\n")
    words = ["search", "--proxy", "params", "--trials", "1", "--threads", "1", "--json"]
    assert json.loads(run(*words, "--config", tmp_path / "s.toml").stdout)["trials"] == 1
