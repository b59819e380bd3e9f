"""The table of proxies in the terminal."""

from __future__ import annotations

from typing import Any

import pytest

from gtn_nas.cli.correlate import print_proxies


def entry(spearman: float | None, undefined: str | None = None, seconds: float | None = 0.4) -> dict[str, Any]:
    ci95 = None if spearman is None else [spearman - 0.1, spearman + 0.1]
    return {"spearman": spearman, "ci95": ci95, "undefined": undefined, "seconds_per_architecture": seconds}


def content(ceiling: float | None = 0.9, failures: str | None = None, **proxies: dict[str, Any]) -> dict[str, Any]:
    limit = {"spearman": ceiling, "ci95": None}
    truth = {"ceiling": limit, "seconds_per_training": 2.0}
    words = {"space": "cnn_small", "task": "digits", "n": 20, "verdict": "gtn [leads]."}
    return {**words, "truth": truth, "failures": failures, "proxies": proxies}


def lines(capsys: pytest.CaptureFixture[str], shown: dict[str, Any]) -> list[str]:
    print_proxies(shown)
    return capsys.readouterr().out.splitlines()


def test_a_correlation_of_nought_stands_in_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    said = lines(capsys, content(nought=entry(0.0), worse=entry(-0.3), best=entry(0.5), none=entry(None, "all equal")))
    rows = [line for line in said if any(f"│ {name}" in line for name in ("best", "nought", "worse", "none"))]
    assert [row.split()[1] for row in rows] == ["best", "nought", "worse", "none"]
    assert "0.00" in rows[1]
    assert "all equal" in rows[3]
    assert "gtn [leads]." in said


def test_what_is_not_known_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    failures = "Scoring failed for gtn on 20 of 20 (first reason: [a] b)."
    said = lines(capsys, content(None, failures, gtn=entry(None, "20 of 20 failed", None)))
    assert failures in said
    assert any("gtn" in line and "20 of 20 failed" in line and "–" in line for line in said)
    bare = content(gtn=entry(0.5))
    bare["truth"]["ceiling"] = None
    assert not any("two halves" in line for line in lines(capsys, bare))
