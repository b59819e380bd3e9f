"""Scores that are kept while a comparison goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gtn_nas.correlation import ScoreBook, TruthTable, score_all
from gtn_nas.proxy import Params, Proxy
from gtn_nas.space import Architecture
from gtn_nas.task import Task
from search_spaces.cnn_small import CnnSmall

SPACE = CnnSmall()


class Counting(Proxy):
    """Counts how often it is asked; ends the process's work after so many times."""

    name = "counting"

    def __init__(self, task: Task, setting: str = "", patience: int = 1000) -> None:
        super().__init__(SPACE, task)
        self.setting, self.patience, self.asked = setting, patience, 0

    @property
    def fingerprint(self) -> str:
        return self.setting

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        if self.asked == self.patience:
            raise KeyboardInterrupt
        self.asked += 1
        return (float("nan") if architecture["norm"] == "none" else self.asked), {"loss": -float(self.asked)}


@pytest.fixture
def table() -> TruthTable:
    architectures = SPACE.sample_many(8, 0)
    assert {a["norm"] for a in architectures} > {"none"}
    return TruthTable(architectures, [SPACE.key(a) for a in architectures], np.ones((8, 1)), 1.0, {}, np.ones(8))


def test_a_stopped_comparison_goes_on_where_it_was(digits: Task, table: TruthTable, tmp_path: Path) -> None:
    path = tmp_path / "new" / "scores.jsonl"
    first = Counting(digits, patience=5)
    with pytest.raises(KeyboardInterrupt):
        score_all([first], table, 1, book=ScoreBook(path))
    path.write_text(path.read_text()[:-20])  # the last line was cut short
    second = Counting(digits)
    seen: list[int] = []
    found = score_all([second], table, 1, on_score=lambda _, done, total: seen.append(done), book=ScoreBook(path))
    assert second.asked == 4
    assert seen == [5, 6, 7, 8]
    third = Counting(digits)
    again = score_all([third, Params(SPACE, digits)], table, 1, book=ScoreBook(path))
    assert third.asked == 0
    np.testing.assert_array_equal(again["counting"].values, found["counting"].values)
    np.testing.assert_array_equal(again["counting"].readings["loss"], found["counting"].readings["loss"])
    assert again["counting"].failed == found["counting"].failed != {}
    assert again["counting"].seconds == found["counting"].seconds
    assert np.isfinite(again["params"].values).all()


def test_other_settings_and_seeds_are_scored_anew(digits: Task, table: TruthTable, tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    score_all([Counting(digits)], table, 1, book=ScoreBook(path))
    for proxy, seeds, anew in (
        (Counting(digits, "other"), 1, True),
        (Counting(digits), 2, True),
        (Counting(digits), 1, False),
    ):
        score_all([proxy], table, seeds, book=ScoreBook(path))
        assert (proxy.asked > 0) is anew
