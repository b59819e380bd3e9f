"""Score one candidate: the same for every search engine."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from gtn_nas.proxy import Proxy, Score
from gtn_nas.space import Architecture

__all__ = ["CandidateFailed", "Evaluation", "evaluate", "score_over_seeds"]


class CandidateFailed(Exception):
    """A candidate that cannot be scored; the message is the reason, and the search goes on."""


@dataclass(frozen=True)
class Evaluation:
    """A candidate's mean score over seeds, each seed's score, its cost, and the seconds that it took."""

    value: float
    scores: tuple[float, ...]
    params: int
    flops: int
    seconds: float


def evaluate(proxy: Proxy, architecture: Architecture, seeds: int) -> Evaluation:
    """Score ``architecture`` with ``seeds`` initialisations and count what it costs.

    Raises:
        CandidateFailed: as :func:`score_over_seeds` does.
    """
    with _its_own_fault():
        cost = proxy.space.cost(architecture, proxy.task)
    scores = score_over_seeds(proxy, architecture, seeds)
    return Evaluation(
        value=statistics.fmean(score.value for score in scores),
        scores=tuple(score.value for score in scores),
        params=cost.params,
        flops=cost.flops,
        seconds=sum(score.seconds for score in scores),
    )


def score_over_seeds(proxy: Proxy, architecture: Architecture, seeds: int) -> list[Score]:
    """Score ``architecture`` with the seeds 0, 1, …; once alone where the proxy does not depend on a seed.

    Raises:
        CandidateFailed: the network cannot be built or trained (out of memory, a builder that raises, a
            score that is not finite).
    """
    with _its_own_fault():
        scores = [proxy.score(architecture, seed) for seed in range(seeds if proxy.seeded else 1)]
    values = [score.value for score in scores]
    if not all(math.isfinite(value) for value in values):
        raise CandidateFailed(f"score is not finite: {values}")
    return scores


@contextmanager
def _its_own_fault() -> Iterator[None]:
    """Turn whatever is raised within into a candidate's failure: a third party's builder may raise anything."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise CandidateFailed("out of memory") from error
    except Exception as error:
        raise CandidateFailed(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}") from error
