"""Inner optimisers by name: what a teacher's learned schedule steers."""

from __future__ import annotations

from gtn_nas.errors import UserError
from gtn_nas.meta.inner.adam import Adam
from gtn_nas.meta.inner.base import Adjoint, Hyper, InnerOptimiser, State
from gtn_nas.meta.inner.muon import Muon, MuonByLayer
from gtn_nas.meta.inner.sgd import SGD, Momentum, Nesterov

__all__ = [
    "INNER_OPTIMISERS",
    "SGD",
    "Adam",
    "Adjoint",
    "Hyper",
    "InnerOptimiser",
    "Momentum",
    "Muon",
    "MuonByLayer",
    "Nesterov",
    "State",
    "inner_optimiser",
]

INNER_OPTIMISERS: dict[str, InnerOptimiser] = {
    rule.name: rule for rule in (SGD(), Momentum(), Nesterov(), Adam(), Muon(), MuonByLayer())
}


def inner_optimiser(name: str) -> InnerOptimiser:
    """Return the inner optimiser called ``name``.

    Raises:
        UserError: there is none of that name.
    """
    if name not in INNER_OPTIMISERS:
        raise UserError(f"unknown inner optimiser {name!r}; use one of {', '.join(INNER_OPTIMISERS)}.")
    return INNER_OPTIMISERS[name]
