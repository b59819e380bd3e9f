"""Scores that an experiment's trials need not compute again: a file that the search writes and every trial reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from gtn_nas.search.evaluator import Evaluation

__all__ = ["add_known", "evaluation_from", "read_known", "write_known"]


def write_known(path: Path, known: Mapping[str, Evaluation]) -> None:
    """Write what is known of architectures, by key."""
    path.write_text("".join(map(_line, known, known.values())))


def add_known(path: Path, key: str, evaluation: Evaluation) -> None:
    """Add one; a trial that reads meanwhile sees it whole or not at all."""
    with path.open("a") as file:
        file.write(_line(key, evaluation))


def read_known(path: Path) -> dict[str, Evaluation]:
    """Return what :func:`write_known` and :func:`add_known` wrote; a line that is not at its end yet is left out."""
    lines = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return {one["key"]: evaluation_from(one["evaluation"]) for one in map(json.loads, lines)}


def evaluation_from(text: str) -> Evaluation:
    """Return an evaluation from its JSON."""
    told = json.loads(text)
    return Evaluation(**{**told, "scores": tuple(told["scores"]), "curve": tuple(map(tuple, told["curve"]))})


def _line(key: str, evaluation: Evaluation) -> str:
    return json.dumps({"key": key, "evaluation": json.dumps(asdict(evaluation))}) + "\n"
