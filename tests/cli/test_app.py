"""The program around the verbs: its version, its list of them, their help."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise

import pytest

from gtn_nas import __version__
from gtn_nas.cli.app import GROUPS, VERBS
from gtn_nas.extras import EXTRAS
from tests.cli.running import run


def test_the_version_is_said_at_once() -> None:
    done = subprocess.run([sys.executable, "-m", "gtn_nas", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"gtn-nas {__version__}"


def test_the_list_of_verbs_needs_none_of_them(run_python: Callable[[str], str]) -> None:
    code = "import sys; from gtn_nas.cli.app import make_app; make_app(['--help']); print('scipy.stats' in sys.modules)"
    assert run_python(code) == "False"
    listed = run("--help").stdout
    for verb in [*VERBS, *GROUPS]:
        assert verb in listed
    assert "List the teachers in the store" in listed
    assert "Did you mean 'search'" in run("serch", code=2).stderr


@pytest.mark.parametrize("verb", [["train-teacher"], ["correlate"], ["study", "run"]])
def test_help_fills_the_lines_of_a_terminal(verb: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    described = run(*verb, "--help").stdout.partition("╭")[0]
    lines = [line.strip() for line in described.splitlines()]
    for line, following in pairwise(lines[lines.index("", 2) + 1 :]):
        assert not following or not line or len(line) + 1 + len(following.split()[0]) > 78


def test_doctor() -> None:
    facts = json.loads(run("doctor", "--json").stdout)
    assert facts["search spaces"].split(", ").count("cnn_small") == 1
    assert facts["torch"]
    assert {f"extra {extra}" for extra in EXTRAS} <= facts.keys()
