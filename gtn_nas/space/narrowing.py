"""A part of a search space: some of its parameters fixed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from optuna.distributions import CategoricalDistribution

from gtn_nas.errors import UserError
from gtn_nas.space import distributions
from gtn_nas.space.base import SearchSpace
from gtn_nas.space.distributions import Value

__all__ = ["narrow", "parse_choices"]


def narrow(space: SearchSpace, choices: Mapping[str, str]) -> SearchSpace:
    """Return ``space`` with some parameters fixed, as ``norm`` → ``batch`` for batch-normalised networks alone.

    It builds the same networks and keeps its own fingerprint.

    Raises:
        UserError: there is no such parameter, or it does not take the value.
    """
    parameters = dict(space.parameters)
    for name, text in choices.items():
        if name not in parameters:
            raise UserError(
                f"space {space.name!r} has no parameter {name!r}; its parameters are {', '.join(parameters)}."
            )
        parameters[name] = CategoricalDistribution((_value(space, name, text),))
    written = ",".join(f"{name}={choices[name]}" for name in parameters if name in choices)  # however it was ordered
    body = {"name": f"{space.name}[{written}]", "parameters": parameters, "__doc__": type(space).__doc__}
    part: SearchSpace = type("Narrowed", (type(space),), body)()
    part.origin = f"{space.origin or space.name}[{written}]"
    return part


def parse_choices(text: str) -> dict[str, str]:
    """Return the choices of ``name=value,name=value``.

    Raises:
        UserError: a part has no ``=``.
    """
    choices: dict[str, str] = {}
    for part in text.split(","):
        name, separator, value = part.partition("=")
        if not separator:
            raise UserError(f"a part of a space is written SPACE[name=value,…], but got {part!r}.")
        choices[name.strip()] = value.strip()
    return choices


def _value(space: SearchSpace, name: str, text: str) -> Value:
    distribution = space.parameters[name]
    for value in _readings(text):
        if distributions.holds(distribution, value):
            return distributions.canonical(distribution, value)
    allowed = distributions.describe(distribution)
    raise UserError(f"space {space.name!r}: {name}={text!r} is outside {allowed}; choose from there.")


def _readings(text: str) -> Iterator[Value]:
    """Yield what ``text`` may stand for; which of them is meant, the parameter tells."""
    yield text
    if text in ("True", "False"):
        yield text == "True"
    for kind in (int, float):
        with suppress(ValueError):
            yield kind(text)
