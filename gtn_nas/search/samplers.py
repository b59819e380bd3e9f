"""The samplers that a search may use, and which searches each can serve."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.samplers import BaseSampler

from gtn_nas.errors import UserError
from gtn_nas.search.evolution import RegularizedEvolution
from gtn_nas.search.exhaustive import Exhaustive
from gtn_nas.space import SearchSpace

__all__ = ["SAMPLERS", "make_sampler"]

_LARGEST_GRID = 100_000  # architectures, which are all held in memory


@dataclass(frozen=True)
class _Kind:
    """How a sampler is made from a space and a seed, and what it asks for."""

    make: Callable[[SearchSpace, int], BaseSampler]
    single: bool = False  # one objective alone
    numeric: bool = False  # no categories
    finite: bool = False  # few enough architectures to list
    package: str | None = None


_KINDS: dict[str, _Kind] = {
    "tpe": _Kind(lambda space, seed: optuna.samplers.TPESampler(seed=seed)),
    "random": _Kind(lambda space, seed: optuna.samplers.RandomSampler(seed=seed)),
    "evolution": _Kind(RegularizedEvolution, single=True),
    "gp": _Kind(lambda space, seed: optuna.samplers.GPSampler(seed=seed)),
    "nsgaii": _Kind(lambda space, seed: optuna.samplers.NSGAIISampler(seed=seed)),
    "nsgaiii": _Kind(lambda space, seed: optuna.samplers.NSGAIIISampler(seed=seed)),
    "qmc": _Kind(lambda space, seed: optuna.samplers.QMCSampler(seed=seed, scramble=True)),
    "cmaes": _Kind(
        lambda space, seed: optuna.samplers.CmaEsSampler(seed=seed), single=True, numeric=True, package="cmaes"
    ),
    "grid": _Kind(Exhaustive, finite=True),
    "brute_force": _Kind(Exhaustive, finite=True),
}
SAMPLERS = tuple(_KINDS)


def make_sampler(name: str, seed: int, space: SearchSpace, objectives: int = 1) -> BaseSampler:
    """Return the sampler called ``name``, for ``objectives`` at once.

    Raises:
        UserError: there is none of that name, it cannot serve this search, or a package is missing.
    """
    if name not in _KINDS:
        raise UserError(f"unknown sampler {name!r}; use one of {', '.join(SAMPLERS)}.")
    kind = _KINDS[name]
    if kind.single and objectives > 1:
        raise UserError(f"sampler {name!r} serves one objective, not {objectives}; use tpe, nsgaii or nsgaiii.")
    categories = [key for key, value in space.parameters.items() if isinstance(value, CategoricalDistribution)]
    if kind.numeric and categories:
        raise UserError(
            f"sampler {name!r} serves numbers alone, and {categories[0]!r} of space {space.name!r} is a category; "
            "use tpe, gp or evolution."
        )
    if kind.finite and space.size > _LARGEST_GRID:
        size = "infinitely many" if math.isinf(space.size) else f"{space.size:,}"
        raise UserError(
            f"sampler {name!r} tries every architecture, and space {space.name!r} has {size}, "
            f"more than {_LARGEST_GRID:,}; use random or qmc, or a part of the space, 'SPACE[name=value]'."
        )
    if kind.package is not None and find_spec(kind.package) is None:
        raise UserError(f"sampler {name!r} needs a package that is not installed; pip install {kind.package}")
    return kind.make(space, seed)
