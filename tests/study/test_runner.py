from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gtn_nas.errors import UserError
from gtn_nas.files import alone_in
from gtn_nas.study import RESULTS, Measured, Outcome, Plan, Results, Row, Run, Study, run_study
from gtn_nas.study.workshop import Workshop
from gtn_nas.task import Task
from search_spaces.cnn_small import CnnSmall

DONE: list[str] = []


class Counting(Plan):
    """Runs that only note that they were done."""

    data: str = "digits"
    seeds: int = 2
    broken: str = ""
    stop_at: str = ""
    size: int = 1
    space: str = "cnn_small"

    @property
    def spaces(self) -> Sequence[str]:
        return (self.space,)

    def runs(self) -> list[Run]:
        return [Run(name, seed, {"size": self.size}) for seed in range(self.seeds) for name in ("a", "b")]

    def execute(self, run: Run, workshop: Workshop) -> Outcome:
        name = f"{run.variant}{run.seed}"
        if name == self.stop_at:
            raise KeyboardInterrupt
        if name == self.broken:
            raise UserError("nearly all diverged.")
        DONE.append(name)
        return Outcome({"value": math.nan if name == "b1" else 1.0}, {"curve": [(0, 0.5)]}, {"spread": [1.0]})

    def derived(self, measured: Measured) -> Mapping[tuple[str, str], Sequence[float]]:
        return {("all", "count"): [float(len(measured.rows))]}


@pytest.fixture
def study() -> Study:
    return Study(name="s", given="s", kind="lessons", title="t", about="a", settings={}, scales={})


@pytest.fixture
def go(study: Study, digits: Task, tmp_path: Path) -> Callable[..., Measured]:
    DONE.clear()
    return lambda plan: run_study(study, "smoke", plan, digits, tmp_path / "out")


def test_what_is_done_is_not_done_again(go: Callable[..., Measured], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        go(Counting(stop_at="a1"))
    assert DONE == ["a0", "b0"]
    measured = go(Counting())
    assert DONE == ["a0", "b0", "a1", "b1"]
    assert measured.values("a", "value") == [1.0, 1.0]
    assert math.isnan(measured.values("b", "value")[1])  # and it could be read back
    assert measured.values("all", "count") == [4.0]
    lines = (tmp_path / "out" / RESULTS).read_text().splitlines()
    assert [Row.model_validate_json(line).variant for line in lines] == ["a", "b", "a", "b"]


def test_a_second_process_in_a_folder_is_refused(go: Callable[..., Measured], tmp_path: Path) -> None:
    refusal = pytest.raises(UserError, match=r"another process works in .*; wait for it, or give another --out")
    with alone_in(tmp_path / "out"), refusal:
        go(Counting())
    assert DONE == []
    assert len(go(Counting()).rows) == 4


def test_other_settings_are_other_runs(go: Callable[..., Measured]) -> None:
    go(Counting(seeds=1))
    measured = go(Counting(seeds=1, size=2))
    assert DONE == ["a0", "b0"] * 2
    assert [row.settings["size"] for row in measured.rows] == [2, 2]


def test_another_version_of_the_data_or_the_space_is_measured_anew(
    go: Callable[..., Measured], study: Study, digits: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(Counting(seeds=1))
    monkeypatch.setattr(CnnSmall, "version", 2)
    measured = go(Counting(seeds=1))
    assert DONE == ["a0", "b0"] * 2
    assert len(measured.rows) == 2
    go(Counting(seeds=1))
    fewer = replace(digits, train=digits.train.head(100))
    run_study(study, "smoke", Counting(seeds=1), fewer, tmp_path / "out")
    assert DONE == ["a0", "b0"] * 3


def test_a_run_that_cannot_be_done_does_not_end_the_study(go: Callable[..., Measured]) -> None:
    measured = go(Counting(broken="a0"))
    assert DONE == ["b0", "a1", "b1"]
    assert [row.failure for row in measured.rows] == ["nearly all diverged.", None, None, None]
    assert measured.values("a", "value") == [1.0]


def test_a_file_of_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / RESULTS).write_text('{"key": "a"}\n')
    with pytest.raises(UserError, match="holds a line that is no result"):
        Results(tmp_path / RESULTS)
