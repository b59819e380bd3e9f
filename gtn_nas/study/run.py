"""One run of a study, what it showed, and the file that keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from gtn_nas.errors import UserError
from gtn_nas.files import write_atomically
from gtn_nas.fingerprint import fingerprint

__all__ = ["Outcome", "Results", "Row", "Run"]


@dataclass(frozen=True)
class Run:
    """A piece of a study that needs no other: one variant from one seed.

    ``settings``: all else that decides the outcome, as JSON holds it.
    """

    variant: str
    seed: int
    settings: Mapping[str, Any]

    @cached_property
    def key(self) -> str:
        """Hash of variant, seed and settings: a run is done where its key is among the results."""
        return fingerprint(json.dumps([self.variant, self.seed, self.settings], sort_keys=True))


@dataclass(frozen=True)
class Outcome:
    """What a run showed: named numbers, curves as points (x, y), and distributions."""

    figures: Mapping[str, float]
    series: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    samples: Mapping[str, Sequence[float]] = field(default_factory=dict)


class Row(BaseModel):
    """One line of ``results.jsonl``: a run, its outcome or why there is none, and what it ran on.

    ``origins``: fingerprints of data and spaces, which ``settings`` name; older lines do not have them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    key: str
    study: str
    scale: str
    variant: str
    seed: int
    settings: dict[str, Any]
    origins: dict[str, str] = {}
    figures: dict[str, float] = {}
    series: dict[str, list[tuple[float, float]]] = {}
    samples: dict[str, list[float]] = {}
    failure: str | None = None
    seconds: float
    finished: str
    hardware: dict[str, str | int]
    versions: dict[str, str]


class Results:
    """The rows of ``path``, a JSON Lines file.

    Raises:
        UserError: a line is not a row.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        try:
            self._rows = {(row := Row.model_validate_json(line)).key: row for line in self._lines}
        except ValidationError as error:
            raise UserError(f"{path} holds a line that is no result; remove it, or give another --out.") from error

    def get(self, run: Run, origins: Mapping[str, str] | None = None) -> Row | None:
        """Return the row of ``run``, None where it is still to be done: data or a space are no longer the same."""
        row = self._rows.get(run.key)
        is_stale = row is not None and origins is not None and row.origins and row.origins != origins
        return None if is_stale else row

    def add(self, row: Row) -> None:
        """Append a row; a kill leaves either the file of before or all of it."""
        self._lines.append(row.model_dump_json())
        self._rows[row.key] = row
        write_atomically(self.path, "\n".join(self._lines) + "\n")
