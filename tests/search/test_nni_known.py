"""The file of scores that an experiment's trials need not compute again."""

from __future__ import annotations

from pathlib import Path

from gtn_nas.search import Evaluation
from gtn_nas.search.nni.known import add_known, read_known, write_known

FIRST = Evaluation(value=0.5, scores=(0.4, 0.6), params=10, flops=20, seconds=1.5, curve=((4, 0.3), (8, 0.4)))
SECOND = Evaluation(value=0.1, scores=(0.1,), params=1, flops=2, seconds=0.5, readings={"loss": -1.0}, latency=0.25)


def test_what_is_written_and_added_is_read(tmp_path: Path) -> None:
    path = tmp_path / "known.jsonl"
    write_known(path, {"a": FIRST})
    add_known(path, "b", SECOND)
    assert read_known(path) == {"a": FIRST, "b": SECOND}


def test_a_line_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "known.jsonl"
    write_known(path, {"a": FIRST, "b": SECOND})
    path.write_text(path.read_text()[:-9])
    assert read_known(path) == {"a": FIRST}
