"""What the tests of several verbs share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import TINY, run


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a teacher and a truth table, made by the verbs themselves."""
    folder = tmp_path_factory.mktemp("workshop")
    made = run("train-teacher", "--out", folder / "teacher", "--iterations", "3", *TINY, "--json")
    assert json.loads(made.stdout)["outer_steps"] == 3
    table = ["truth", "--out", folder / "truth.jsonl", "--architectures", "5", "--seeds", "2", "--threads", "1"]
    made = run(*table, "--set", "recipe.epochs=1", "--json")
    assert json.loads(made.stdout)["n"] == 5
    return folder
