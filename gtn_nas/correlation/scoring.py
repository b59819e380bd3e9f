"""Score every architecture of a truth table with every proxy."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gtn_nas.correlation.score_book import KeptScore, ScoreBook
from gtn_nas.correlation.truth import TruthTable
from gtn_nas.parallel import map_unordered
from gtn_nas.proxy import Proxy
from gtn_nas.search.evaluator import CandidateFailed, score_over_seeds
from gtn_nas.space import Architecture

__all__ = ["OnScore", "Scored", "score_all"]

OnScore = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Scored:
    """A proxy's scores of all architectures ``[n]``, median CPU seconds of one with its seeds, and the seeds used.

    ``failed``: number of an architecture that could not be scored, whose value is NaN → the reason.
    ``readings``: the proxy's other scores by name, each ``[n]``.
    """

    values: npt.NDArray[np.float64]
    seconds: float
    seeds: int
    failed: dict[int, str]
    readings: dict[str, npt.NDArray[np.float64]]


def score_all(
    proxies: Sequence[Proxy],
    table: TruthTable,
    seeds: int,
    workers: int = 1,
    on_score: OnScore | None = None,
    book: ScoreBook | None = None,
) -> dict[str, Scored]:
    """Score every architecture of the table with every proxy, ``seeds`` times those that depend on a seed.

    What ``book`` knows already is not scored again, and what is scored is written there at once.
    """
    book = ScoreBook() if book is None else book
    jobs = [
        (number, index, seeds)
        for number, proxy in enumerate(proxies)
        for index, key in enumerate(table.keys)
        if book.find(proxy, key, seeds) is None
    ]
    total = len(proxies) * len(table.keys)
    done = total - len(jobs)
    for place, result in map_unordered(_score_job, (proxies, table.architectures), jobs, workers):
        number, index, _ = jobs[place]
        book.keep(proxies[number], table.keys[index], seeds, result)
        done += 1
        if on_score is not None:
            on_score(proxies[number].name, done, total)
    rows = [[book.find(proxy, key, seeds) or KeptScore() for key in table.keys] for proxy in proxies]
    return {
        proxy.name: Scored(
            values=np.array([result.value for result in row]),
            seconds=statistics.median([result.seconds for result in row if result.failure is None] or [math.nan]),
            seeds=seeds if proxy.seeded else 1,
            failed={index: result.failure for index, result in enumerate(row) if result.failure is not None},
            readings=_readings(row, proxy.readings),
        )
        for proxy, row in zip(proxies, rows, strict=True)
    }


def _readings(row: Sequence[KeptScore], expected: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
    names = next((list(result.readings) for result in row if result.failure is None), expected)
    return {name: np.array([result.readings.get(name, math.nan) for result in row]) for name in names}


def _score_job(shared: tuple[Sequence[Proxy], Sequence[Architecture]], job: tuple[int, int, int]) -> KeptScore:
    (proxies, architectures), (number, index, seeds) = shared, job
    try:
        scores = score_over_seeds(proxies[number], architectures[index], seeds)
    except CandidateFailed as failure:
        return KeptScore(failure=str(failure))
    return KeptScore(
        value=statistics.fmean(score.value for score in scores),
        seconds=sum(score.cpu_seconds for score in scores),
        readings={name: statistics.fmean(one.readings[name] for one in scores) for name in scores[0].readings},
    )
