"""Holding proxies against real training, as a user does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from gtn_nas.correlation import RIVALS
from tests.cli.running import refused, run


def test_correlate_writes_json_and_report(workshop: Path, tmp_path: Path) -> None:
    words = ["correlate", "--teacher", workshop / "teacher", "--truth", workshop / "truth.jsonl", "--out", tmp_path]
    printed = json.loads(run(*words, "--threads", "1", "--json").stdout)
    content = json.loads((tmp_path / "correlation.json").read_text())
    assert printed == content
    assert content["n"] == 5
    assert list(content["proxies"]) == list(RIVALS)
    for entry in content["proxies"].values():
        assert {"spearman", "ci95", "kendall", "seconds_per_architecture"} <= entry.keys()
    page = (tmp_path / "report.html").read_text()
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "data:image/png;base64," in page


def test_correlate_compares_what_is_named(workshop: Path, tmp_path: Path) -> None:
    words = ["correlate", "--teacher", workshop / "teacher", "--truth", workshop / "truth.jsonl", "--out", tmp_path]
    words += [
        "--proxy",
        "synflow+params",
        "--proxy",
        "gtn.loss",
        "--architectures",
        "4",
        "--seeds",
        "1",
        "--threads",
        "1",
    ]
    content = json.loads(run(*words, "--json").stdout)
    assert list(content["proxies"]) == ["synflow+params", "gtn.loss"]
    assert content["n"] == 4
    assert list(content["differences"]) == ["gtn.loss"]


def test_correlate_refuses_what_it_cannot_compare(workshop: Path, tmp_path: Path) -> None:
    words = ["correlate", "--teacher", workshop / "teacher", "--truth", workshop / "truth.jsonl", "--out", tmp_path]
    assert "unknown proxy 'gtm'; the proxies are gtn" in refused(*words, "--proxy", "gtm+params")
    assert "--truth-column is for published .csv tables" in refused(*words, "--truth-column", "cifar10_test")
    assert not (tmp_path / "correlation.json").exists()


def test_what_any_of_the_teachers_was_chosen_by_is_left_out(workshop: Path, tmp_path: Path) -> None:
    table = workshop / "truth.jsonl"
    keys = [json.loads(line)["key"] for line in table.read_text().splitlines()]
    teachers = []
    for number, key in enumerate(sorted(set(keys))[:2]):
        teachers += ["--teacher", tmp_path / f"t{number}"]
        copied = shutil.copytree(workshop / "teacher", tmp_path / f"t{number}") / "teacher.json"
        copied.write_text(json.dumps({**json.loads(copied.read_text()), "chosen_on": [key]}))
    words = ["correlate", *teachers, "--truth", table, "--out", tmp_path / "r", "--seeds", "1", "--threads", "1"]
    content = json.loads(run(*words, "--proxy", "gtn_ensemble", "--proxy", "params", "--json").stdout)
    assert content["n"] == 3
