"""What can be done with one parameter's distribution: draw from it, check a value, list and move values."""

from __future__ import annotations

import math

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from gtn_nas.errors import UserError

__all__ = ["Value", "canonical", "cardinality", "check_supported", "describe", "draw", "holds", "nearby", "values_of"]

Value = str | int | float | bool


def check_supported(where: str, distribution: object) -> None:
    """Refuse what a space cannot hold; ``where`` begins the sentence.

    Raises:
        UserError: not a distribution of Optuna, or a choice that no architecture can hold.
    """
    if not isinstance(distribution, CategoricalDistribution | IntDistribution | FloatDistribution):
        raise UserError(f"{where} must be a distribution of Optuna, but is {distribution!r}; declare it as one.")
    for choice in distribution.choices if isinstance(distribution, CategoricalDistribution) else ():
        if not isinstance(choice, str | int | float | bool) or choice != choice:  # NaN differs from itself
            raise UserError(
                f"{where} offers {choice!r}, but a choice must be a str, int, float or bool; "
                "name it by a word, such as 'none'."
            )


def draw(distribution: BaseDistribution, rng: np.random.Generator) -> Value:
    """Draw a value uniformly (log-uniformly where it is declared so)."""
    if isinstance(distribution, CategoricalDistribution):
        return _choices(distribution)[int(rng.integers(len(distribution.choices)))]
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    if distribution.log:
        above = 1 if isinstance(distribution, IntDistribution) else 0  # floor makes whole numbers
        drawn = math.exp(rng.uniform(math.log(distribution.low), math.log(distribution.high + above)))
        drawn = math.floor(drawn) if above else drawn
        return min(distribution.high, max(distribution.low, drawn))
    if distribution.step is None:
        return float(rng.uniform(distribution.low, distribution.high))
    return _at(distribution, int(rng.integers(_index(distribution, distribution.high) + 1)))


def _choices(distribution: CategoricalDistribution) -> list[Value]:
    return [choice for choice in distribution.choices if choice is not None]


def _at(distribution: IntDistribution | FloatDistribution, index: int) -> int | float:
    """Return the value number ``index`` of a stepped range: 0.1 * 3 must not exceed an end of 0.3."""
    assert distribution.step is not None
    return min(distribution.high, distribution.low + distribution.step * index)


def _index(distribution: IntDistribution | FloatDistribution, value: int | float) -> int:
    assert distribution.step is not None
    return round((value - distribution.low) / distribution.step)


def canonical(distribution: BaseDistribution, value: Value) -> Value:
    """Return the one spelling of ``value``: 1.0 for 1 where floats belong, 0.3 for 0.1 + 0.2."""
    if not isinstance(distribution, FloatDistribution):
        return value
    number = float(value)
    return number if distribution.step is None else _at(distribution, _index(distribution, number))


def holds(distribution: BaseDistribution, value: object) -> bool:
    """Return whether ``value`` is one of the distribution's."""
    if isinstance(distribution, CategoricalDistribution):  # 1 == True in Python, so types count as well
        return any(type(value) is type(choice) and value == choice for choice in distribution.choices)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    if isinstance(distribution, IntDistribution) and not isinstance(value, int):
        return False
    return distribution._contains(float(value))


def cardinality(distribution: BaseDistribution) -> int | float:
    """Return how many values there are, infinity for a continuous range."""
    if isinstance(distribution, CategoricalDistribution):
        return len(distribution.choices)
    if isinstance(distribution, IntDistribution):
        return (distribution.high - distribution.low) // distribution.step + 1
    assert isinstance(distribution, FloatDistribution)
    if distribution.step is None:
        return 1 if distribution.single() else math.inf
    return round((distribution.high - distribution.low) / distribution.step) + 1


def values_of(name: str, distribution: BaseDistribution) -> list[Value]:
    """Return all values in order.

    Raises:
        UserError: the parameter ``name`` is continuous.
    """
    count = cardinality(distribution)
    if not isinstance(count, int):
        raise UserError(f"a grid needs finitely many values, but {name!r} is continuous; give it a step.")
    if isinstance(distribution, CategoricalDistribution):
        return _choices(distribution)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    return [distribution.low] if count == 1 else [_at(distribution, index) for index in range(count)]


def nearby(distribution: BaseDistribution, value: Value) -> list[Value]:
    """Return the values one move away: any other category, one step, or a tenth of a continuous range."""
    if isinstance(distribution, CategoricalDistribution):
        return [c for c in _choices(distribution) if not (type(c) is type(value) and c == value)]
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    assert not isinstance(value, str)
    low, high = distribution.low, distribution.high
    if distribution.step is not None:
        index = _index(distribution, value)
        return [_at(distribution, i) for i in (index - 1, index + 1) if 0 <= i <= _index(distribution, high)]
    if distribution.log:
        tenth = (high / low) ** 0.1
        moved = [max(low, value / tenth), min(high, value * tenth)]
    else:
        tenth = (high - low) / 10
        moved = [max(low, value - tenth), min(high, value + tenth)]
    return [v for v in moved if v != value]


def describe(distribution: BaseDistribution) -> str:
    """Return the allowed values in words."""
    if isinstance(distribution, CategoricalDistribution):
        return f"the choices {', '.join(map(repr, distribution.choices))}"
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    step = f" in steps of {distribution.step}" if distribution.step else ""
    return f"{distribution.low} to {distribution.high}{step}"
