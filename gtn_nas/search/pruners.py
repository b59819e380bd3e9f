"""The pruners that a search may use, and which searches each can serve."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import optuna
from optuna.pruners import BasePruner

from gtn_nas.errors import UserError
from gtn_nas.proxy import Proxy

__all__ = ["PRUNERS", "make_pruner"]

_FIRST_RUNG = 4  # a quarter of the lesson, where a candidate is first looked at
_FACTOR = 2  # of the steps from one look to the next, and of the candidates that go on

_KINDS: dict[str, Callable[[int], BasePruner]] = {
    "none": lambda steps: optuna.pruners.NopPruner(),
    "median": lambda steps: optuna.pruners.MedianPruner(n_startup_trials=10),
    "halving": lambda steps: optuna.pruners.SuccessiveHalvingPruner(
        min_resource=max(1, steps // _FIRST_RUNG), reduction_factor=_FACTOR
    ),
    "hyperband": lambda steps: optuna.pruners.HyperbandPruner(
        min_resource=max(1, steps // _FIRST_RUNG), max_resource=steps, reduction_factor=_FACTOR
    ),
}
PRUNERS = tuple(_KINDS)


def make_pruner(name: str, proxy: Proxy, objectives: Sequence[str] = ("accuracy",)) -> BasePruner:
    """Return the pruner called ``name``; it is fed with the accuracy after a quarter and a half of the lesson.

    Args:
        name: a key of ``PRUNERS``: median (Optuna's own), halving (ASHA; Li et al., 2020), hyperband (Li et al., 2018).
        proxy: what scores candidates.
        objectives: of the search.

    Raises:
        UserError: there is none of that name, or it cannot serve this search.
    """
    if name not in _KINDS:
        raise UserError(f"unknown pruner {name!r}; use one of {', '.join(PRUNERS)}.")
    if name == "none":
        return _KINDS[name](1)
    if tuple(objectives) != ("accuracy",):
        raise UserError(
            f"pruner {name!r} compares accuracies on the way, and this search is for {', '.join(objectives)}; "
            "leave --pruner out, or ask for accuracy alone with --max-params or --max-flops."
        )
    if proxy.steps is None:
        raise UserError(f"pruner {name!r} stops lessons, and proxy {proxy.name!r} has none; leave --pruner out.")
    return _KINDS[name](proxy.steps)
