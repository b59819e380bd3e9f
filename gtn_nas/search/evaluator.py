"""Score one candidate: the same for every search engine."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

import torch

from gtn_nas.proxy import Proxy
from gtn_nas.space import Architecture

__all__ = ["CandidateFailed", "Evaluation", "evaluate"]


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
    """Score ``architecture`` with ``seeds`` initialisations.

    Raises:
        CandidateFailed: the network cannot be built or trained (out of memory, a builder that raises, a
            score that is not finite).
    """
    try:
        cost = proxy.space.cost(architecture, proxy.task)
        scores = [proxy.score(architecture, seed) for seed in range(seeds if proxy.seeded else 1)]
    except torch.OutOfMemoryError as error:
        raise CandidateFailed("out of memory") from error
    except Exception as error:  # whatever a third party's builder raises is this candidate's fault alone
        raise CandidateFailed(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}") from error
    values = tuple(score.value for score in scores)
    if not all(math.isfinite(value) for value in values):
        raise CandidateFailed(f"score is not finite: {values}")
    return Evaluation(
        value=statistics.fmean(values),
        scores=values,
        params=cost.params,
        flops=cost.flops,
        seconds=sum(score.seconds for score in scores),
    )
