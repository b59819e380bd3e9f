"""What the live view counts and says."""

from __future__ import annotations

import io
import re

import pytest
from optuna.trial import TrialState
from rich.console import Console

from gtn_nas.cli import on_terminal, output
from gtn_nas.cli.search_views import search_with_progress
from gtn_nas.proxy import Proxy
from gtn_nas.search import best_trials, make_sampler, open_study, search, settled_trials
from gtn_nas.space import Architecture
from gtn_nas.task import Task
from search_spaces.cnn_small import CnnSmall


class Depth(Proxy):
    """Depth as a score; the deepest fail, and the fifth candidate is interrupted."""

    name = "depth"
    asked = 0

    @property
    def fingerprint(self) -> str:
        return "depth"

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        self.asked += 1
        if self.asked == 5:
            raise KeyboardInterrupt
        if architecture["stage1_depth"] == 3:
            raise RuntimeError("too deep")
        return float(architecture["stage1_depth"]), {}


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> io.StringIO:
    """What a terminal of so many columns is sent."""
    sent = io.StringIO()
    console = Console(file=sent, force_terminal=True, width=request.param, highlight=False, color_system=None)
    for module in (output, on_terminal):
        monkeypatch.setattr(module, "console", console)
    return sent


@pytest.mark.parametrize("terminal", [80, 120], indirect=True)
def test_a_search_shows_the_best_and_counts_from_what_is_settled(digits: Task, terminal: io.StringIO) -> None:
    proxy = Depth(CnnSmall(), digits)
    study = open_study(None, "s", proxy, 1, make_sampler("random", 0, proxy.space))
    with pytest.raises(KeyboardInterrupt):
        search(study, proxy, trials=12, seeds=1)
    assert len(settled_trials(study)) == 4
    search_with_progress(study, proxy, trials=12, seeds=1)
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue())
    text = shown[shown.rindex("trial  ") :]  # the last frame
    best = best_trials(study, 5)
    assert f"{best[0].number}  " in text
    assert f"{best[0].user_attrs['params']:,}" in text
    assert "12/12 candidates" in text
    assert "/min" in text
    failed = sum(trial.state is TrialState.FAIL for trial in study.trials) - 1  # an interrupted one did not fail
    assert f"{failed} failed" in text
    assert "best so far" in text


def test_a_log_is_spared_the_live_view(digits: Task, capfd: pytest.CaptureFixture[str]) -> None:
    proxy = Depth(CnnSmall(), digits)
    study = open_study(None, "s", proxy, 1, make_sampler("random", 0, proxy.space))
    capfd.readouterr()
    search_with_progress(study, proxy, trials=3, seeds=1)
    assert capfd.readouterr() == ("", "")
