"""Score one candidate: the same for every search engine."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from gtn_nas.proxy import Proxy, Score, See
from gtn_nas.search.latency import measure_latency
from gtn_nas.search.limits import Limits
from gtn_nas.space import Architecture

__all__ = [
    "CandidateFailed",
    "CandidateStopped",
    "Evaluation",
    "OverLimit",
    "check",
    "evaluate",
    "its_own_fault",
    "score_over_seeds",
]


OUT_OF_MEMORY = "out of memory"
_ROUGHLY = 64  # images of a glimpse that nobody decides by


class CandidateFailed(Exception):
    """A candidate that cannot be scored; the message is the reason, and the search goes on."""


class CandidateStopped(Exception):
    """A candidate that a pruner gave up on the way; the message says where it then stood."""


class OverLimit(Exception):
    """A candidate that costs more than the search allows; it is not scored."""

    def __init__(self, costs: Mapping[str, float], excess: Mapping[str, float]) -> None:
        over = [name for name, share in excess.items() if share > 0]
        super().__init__(", ".join(f"{name} {costs[name]:.4g} is {excess[name]:.0%} over its limit" for name in over))
        self.costs = costs
        self.excess = excess


@dataclass(frozen=True)
class Evaluation:
    """A candidate's mean score over seeds, each seed's score, its cost, and the seconds that it took.

    ``curve``: accuracies of the first seed on the way and at the end of its lesson, each with the steps taken, whatever
    the score is; none for a proxy that teaches none.
    ``readings``: the proxy's other scores, means over seeds. ``latency``: seconds of one image's forward pass, where
    the search asks for it. ``excess``: by what share costs are over their limits, none above 0.
    """

    value: float
    scores: tuple[float, ...]
    params: int
    flops: int
    seconds: float
    readings: Mapping[str, float] = field(default_factory=dict)
    latency: float | None = None
    excess: Mapping[str, float] = field(default_factory=dict)
    curve: tuple[tuple[int, float], ...] = ()

    @property
    def costs(self) -> dict[str, float]:
        """What limits may be set on."""
        known = {"params": self.params, "flops": self.flops, "latency": self.latency}
        return {name: float(cost) for name, cost in known.items() if cost is not None}


def evaluate(
    proxy: Proxy,
    architecture: Architecture,
    seeds: int,
    limits: Limits | None = None,
    timed: bool = False,
    show: Callable[[int, float], None] | None = None,
) -> Evaluation:
    """Count what ``architecture`` costs and, within the limits, score it with ``seeds`` initialisations.

    Args:
        proxy: of the space and the task.
        architecture: of the space.
        seeds: scores that are averaged.
        limits: of its costs; without them there are none.
        timed: measure the latency even where it has no limit.
        show: called with the first seed's steps and accuracy on the way; it may raise :class:`CandidateStopped`.
            Without it a rougher look serves for the curve.

    Raises:
        CandidateFailed, CandidateStopped: as :func:`score_over_seeds` does.
        OverLimit: it costs too much.
    """
    limits = limits or Limits()
    with its_own_fault():
        cost = proxy.space.cost(architecture, proxy.task)
        costs: dict[str, float] = {"params": cost.params, "flops": cost.flops}
        check(costs, limits)
        if timed or limits.latency is not None:
            costs["latency"] = measure_latency(proxy.space, proxy.task, architecture)
    excess = check(costs, limits)
    curve: list[tuple[int, float]] = []

    def note(step: int, accuracy: float) -> None:
        curve.append((step, accuracy))
        if show is not None and step != proxy.steps:  # at the end there is nothing left to save
            show(step, accuracy)

    see = See(note, _ROUGHLY) if show is None else See(note)
    scores = score_over_seeds(proxy, architecture, seeds, see)
    return Evaluation(
        value=statistics.fmean(score.value for score in scores),
        scores=tuple(score.value for score in scores),
        params=cost.params,
        flops=cost.flops,
        seconds=sum(score.seconds for score in scores),
        readings={name: statistics.fmean(one.readings[name] for one in scores) for name in scores[0].readings},
        latency=costs.get("latency"),
        excess=excess,
        curve=tuple(curve),
    )


def check(costs: Mapping[str, float], limits: Limits) -> dict[str, float]:
    """Return by what share each cost is below its limit, negative.

    Raises:
        OverLimit: one is above.
    """
    excess = limits.excess(costs)
    if any(share > 0 for share in excess.values()):
        raise OverLimit(costs, excess)
    return excess


def score_over_seeds(
    proxy: Proxy, architecture: Architecture, seeds: int, see: See | None = None, first: int = 0
) -> list[Score]:
    """Score ``architecture`` with ``seeds`` seeds from ``first`` on; once alone where the proxy depends on none.

    ``see`` is shown the first seed's accuracy on the way.

    Raises:
        CandidateStopped: ``see`` raised it.
        CandidateFailed: the network cannot be built or trained (out of memory, a builder that raises, a
            score that is not finite).
    """
    with its_own_fault():
        scores = [proxy.score(architecture, first, see)]
        scores += [proxy.score(architecture, seed) for seed in range(first + 1, first + (seeds if proxy.seeded else 1))]
    values = [score.value for score in scores]
    if not all(math.isfinite(value) for value in values):
        raise CandidateFailed(f"score is not finite: {values}")
    return scores


@contextmanager
def its_own_fault() -> Iterator[None]:
    """Turn whatever is raised within into :class:`CandidateFailed`: a third party's builder may raise anything."""
    try:
        yield
    except (OverLimit, CandidateStopped):
        raise
    except torch.OutOfMemoryError as error:
        raise CandidateFailed(OUT_OF_MEMORY) from error
    except Exception as error:
        raise CandidateFailed(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}") from error
