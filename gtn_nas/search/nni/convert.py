"""A space's parameters in NNI's search-space format, and values back and forth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from gtn_nas.errors import UserError
from gtn_nas.space import Architecture
from gtn_nas.space import distributions as ranges
from gtn_nas.space.distributions import Value

__all__ = ["from_nni", "to_nni"]

_MARGIN = 0.49  # of a step on either side, or NNI's rounding gives the two ends half of their share


def to_nni(parameters: Mapping[str, BaseDistribution]) -> dict[str, dict[str, Any]]:
    """Return NNI's search space of ``parameters``: what ``search_space.json`` holds.

    Whole numbers become ``quniform``, which NNI's tuners know to be ordered; its ``randint`` they take for categories.
    A range whose values are no multiples of its step becomes a choice.
    """
    return {name: _described(name, distribution) for name, distribution in parameters.items()}


def _described(name: str, distribution: BaseDistribution) -> dict[str, Any]:
    if ranges.cardinality(distribution) == 1 or isinstance(distribution, CategoricalDistribution):
        return {"_type": "choice", "_value": ranges.values_of(name, distribution)}
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    low, high, step = distribution.low, distribution.high, distribution.step
    if isinstance(distribution, FloatDistribution) and step is None:
        return {"_type": "loguniform" if distribution.log else "uniform", "_value": [low, high]}
    assert step is not None
    if abs(low / step - round(low / step)) > 1e-9:
        return {"_type": "choice", "_value": ranges.values_of(name, distribution)}
    ends = [low - _MARGIN * step, high + _MARGIN * step]
    return {"_type": "qloguniform" if distribution.log else "quniform", "_value": [*ends, step]}


def from_nni(parameters: Mapping[str, BaseDistribution], values: Mapping[str, Any]) -> Architecture:
    """Return the architecture that NNI's ``values`` mean: numbers of the right kind, on the lattice, in range.

    Raises:
        UserError: a parameter is missing, or a choice is not one of the space's.
    """
    missing = [name for name in parameters if name not in values]
    if missing:
        raise UserError(f"NNI's parameters lack {missing[0]!r}; give it the search space that this space converts to.")
    return {name: _read(name, distribution, values[name]) for name, distribution in parameters.items()}


def _read(name: str, distribution: BaseDistribution, value: Any) -> Value:
    if isinstance(distribution, CategoricalDistribution):
        same = [choice for choice in distribution.choices if choice == value]  # 1 == True == 1.0
        exact = [choice for choice in same if type(choice) is type(value)]
        for choice in exact + same:
            if choice is not None:
                return choice
        raise UserError(f"NNI's {name}={value!r} is outside {ranges.describe(distribution)}; choose from there.")
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    low, high, step = distribution.low, distribution.high, distribution.step
    if step is not None:
        value = low + step * round((float(value) - low) / step)
    kept = min(high, max(low, value))
    return int(kept) if isinstance(distribution, IntDistribution) else ranges.canonical(distribution, float(kept))
