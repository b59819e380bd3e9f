"""Scores kept line by line while they are made, so that a comparison that was stopped loses none."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeAlias

from gtn_nas import __version__
from gtn_nas.proxy import Proxy
from gtn_nas.search.evaluator import OUT_OF_MEMORY

__all__ = ["KeptScore", "ScoreBook"]

Place: TypeAlias = tuple[str, str, int]


@dataclass(frozen=True)
class KeptScore:
    """Mean score and CPU seconds of all its seeds, or why there are none."""

    value: float = math.nan
    seconds: float = math.nan
    failure: str | None = None
    readings: Mapping[str, float] = field(default_factory=dict)


class ScoreBook:
    """Scores by proxy, architecture and number of seeds, in a JSON-lines file; in memory alone without a path.

    A line counts for the same fingerprints of proxy and space and the same version of this package; others are left
    as they are, and so is a last line that was cut short.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: dict[Place, KeptScore] = {}
        text = path.read_text(encoding="utf-8") if path is not None and path.is_file() else ""
        self._whole = not text or text.endswith("\n")
        for line in text.splitlines():
            with suppress(json.JSONDecodeError):  # cut short by a kill: that score is made again
                row = json.loads(line)
                if row["version"] == __version__:
                    self._known[row["proxy"], row["key"], row["seeds"]] = KeptScore(**row["score"])

    def find(self, proxy: Proxy, key: str, seeds: int) -> KeptScore | None:
        """Return what is known of an architecture."""
        return self._known.get((_identity(proxy), key, seeds))

    def keep(self, proxy: Proxy, key: str, seeds: int, score: KeptScore) -> None:
        """Write a score down at once; one for which memory was short is to be tried again another time."""
        self._known[_identity(proxy), key, seeds] = score
        if self._path is None or score.failure == OUT_OF_MEMORY:
            return
        row = {"version": __version__, "name": proxy.name, "proxy": _identity(proxy), "key": key, "seeds": seeds}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(("" if self._whole else "\n") + json.dumps({**row, "score": asdict(score)}) + "\n")
        self._whole = True


def _identity(proxy: Proxy) -> str:
    """Some proxies have nothing to set, and their fingerprint says no more than their name."""
    return f"{proxy.name}/{proxy.fingerprint}/{proxy.space.fingerprint}/{proxy.task.fingerprint}"
