"""What the live lines count and say."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from gtn_nas.cli import search_views as verb
from gtn_nas.proxy import Proxy
from gtn_nas.search import make_sampler, open_study, search
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


class Line:
    """Stands in for the progress display."""

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.note = ""

    def add_task(self, what: str, total: int, completed: int, note: str) -> int:
        self.counts.append(completed)
        return 0

    def update(self, bar: int, advance: int, note: str) -> None:
        self.counts.append(self.counts[-1] + advance)
        self.note = note


def test_a_search_that_goes_on_counts_from_what_is_settled(digits: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[Line] = []

    def bar(unit: str) -> Any:
        lines.append(Line())
        return nullcontext(lines[-1])

    monkeypatch.setattr(verb, "progress_bar", bar)
    proxy = Depth(CnnSmall(), digits)
    study = open_study(None, "s", proxy, 1, make_sampler("random", 0, proxy.space))
    with pytest.raises(KeyboardInterrupt):
        search(study, proxy, trials=12, seeds=1)
    verb.search_with_progress(study, proxy, trials=12, seeds=1)
    assert lines[0].counts == list(range(4, 13))
    failed = sum("reason" in trial.user_attrs for trial in study.trials)
    assert 0 < failed < 12
    assert lines[0].note == f"best 2.000 [red]failed {failed}[/]"
