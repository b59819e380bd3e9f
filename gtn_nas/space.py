"""What a search space is: named parameters, and how to build a network from their values."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import itertools
import json
import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar, Protocol, SupportsIndex

import numpy as np
import torch
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gtn_nas.errors import UserError
from gtn_nas.fingerprint import fingerprint

__all__ = ["Architecture", "Cost", "ImageTask", "SearchSpace", "available_spaces", "load_space"]

Value = str | int | float | bool
Architecture = dict[str, Value]


class ImageTask(Protocol):
    """What a space may know of the task it builds networks for."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        ...

    @property
    def classes(self) -> int:
        """Number of classes, the width of the network's output."""
        ...


@dataclass(frozen=True)
class Cost:
    """Trainable parameters, and FLOPs (2 per multiply-add) of one image's forward pass."""

    params: int
    flops: int


class SearchSpace(ABC):
    """A flat, fixed set of parameters and a builder.

    A subclass gives ``name``, ``parameters`` and :meth:`build`; ``version`` is raised whenever :meth:`build`
    changes what a given architecture means, so that old scores and teachers are not mistaken for new ones.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    parameters: ClassVar[Mapping[str, BaseDistribution]]
    origin: str | None = None  # the file and class it was loaded from, None for an installed space

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        # A worker process cannot import the module of a loose file: it loads the file again.
        return super().__reduce_ex__(protocol) if self.origin is None else (load_space, (self.origin,))

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        for name, distribution in getattr(cls, "parameters", {}).items():
            _check_supported(f"space {cls.__name__}: parameter {name!r}", distribution)

    @abstractmethod
    def build(self, architecture: Architecture, task: ImageTask) -> nn.Module:
        """Return a freshly initialised network: images ``[B, C, H, W]`` → logits ``[B, classes]``.

        Initialisation draws from torch's global generator.
        """

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draw one architecture, every parameter uniformly (log-uniformly where it is declared so)."""
        return {name: _draw(distribution, rng) for name, distribution in self.parameters.items()}

    def sample_many(self, count: int, seed: int) -> list[Architecture]:
        """Draw ``count`` different architectures.

        Raises:
            UserError: the space does not hold that many.
        """
        size = self.size
        if count > size:
            raise UserError(f"space {self.name!r} holds {size} architectures, but {count} were asked for.")
        rng = np.random.default_rng(seed)
        found: dict[str, Architecture] = {}
        while len(found) < count:
            architecture = self.sample(rng)
            found.setdefault(self.key(architecture), architecture)
        return list(found.values())

    def validate(self, architecture: Mapping[str, object]) -> Architecture:
        """Return the architecture with its parameters in canonical order.

        Raises:
            UserError: a parameter is missing, unknown or outside its range.
        """
        unknown = [name for name in architecture if name not in self.parameters]
        missing = [name for name in self.parameters if name not in architecture]
        if unknown or missing:
            what = f"has no parameter {unknown[0]!r}" if unknown else f"needs parameter {missing[0]!r}"
            raise UserError(f"space {self.name!r} {what}; its parameters are {', '.join(self.parameters)}.")
        checked: Architecture = {}
        for name, distribution in self.parameters.items():
            value = architecture[name]
            if not _holds(distribution, value):
                allowed = _describe(distribution)
                raise UserError(f"space {self.name!r}: {name}={value!r} is outside {allowed}; choose from there.")
            assert isinstance(value, str | int | float | bool)
            checked[name] = _canonical(distribution, value)
        return checked

    def key(self, architecture: Architecture) -> str:
        """Return the architecture's canonical hash, the same in every process."""
        return fingerprint(json.dumps(self.validate(architecture), sort_keys=True))

    def neighbours(self, architecture: Architecture) -> Iterator[Architecture]:
        """Yield every architecture that differs in one parameter.

        A category becomes any other, a number moves by one step, a continuous one by a tenth of its range.
        """
        architecture = self.validate(architecture)
        for name, distribution in self.parameters.items():
            for value in _nearby(distribution, architecture[name]):
                yield {**architecture, name: value}

    def grid(self) -> Iterator[Architecture]:
        """Yield every architecture, the last parameter changing fastest.

        Raises:
            UserError: a parameter is continuous.
        """
        columns = [_values(name, distribution) for name, distribution in self.parameters.items()]
        for row in itertools.product(*columns):
            yield dict(zip(self.parameters, row, strict=True))

    @property
    def size(self) -> int | float:
        """How many architectures there are (infinite with a continuous parameter)."""
        return math.prod(_cardinality(distribution) for distribution in self.parameters.values())

    def cost(self, architecture: Architecture, task: ImageTask) -> Cost:
        """Count parameters and FLOPs without allocating or computing anything."""
        with torch.device("meta"):
            network = self.build(architecture, task).eval()
            image = torch.empty(1, *task.image_shape)
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                network(image)
        params = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
        return Cost(params=params, flops=counter.get_total_flops())

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hash of name, version and parameters: what a study or a teacher must agree on with its space."""
        described = {name: distribution_to_json(value) for name, value in self.parameters.items()}
        return fingerprint(json.dumps([self.name, self.version, described]))


def available_spaces() -> dict[str, str]:
    """Return the installed spaces: name → ``module:Class``."""
    return {point.name: point.value for point in entry_points(group="gtn_nas.search_spaces")}


def load_space(name: str) -> SearchSpace:
    """Return the installed space ``name``, or the one at ``path/to/file.py:Class``.

    Raises:
        UserError: there is no such space, or it does not load.
    """
    if ".py:" in name:
        path, _, class_name = name.rpartition(":")
        space = _instantiate(_load_file(Path(path)), class_name, name)
        space.origin = f"{Path(path).resolve()}:{class_name}"
        return space
    target = available_spaces().get(name)
    if target is None:
        known = ", ".join(sorted(available_spaces())) or "none"
        raise UserError(f"unknown search space {name!r}; use one of {known}, or path/to/file.py:Class.")
    module, _, class_name = target.partition(":")
    try:
        return _instantiate(importlib.import_module(module), class_name, name)
    except ImportError as error:
        raise UserError(f"search space {name!r} does not load: {error}; reinstall its package.") from error


def _load_file(path: Path) -> object:
    spec = importlib.util.spec_from_file_location(f"gtn_nas_space_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise UserError(f"no Python file {path} to load a search space from; check the path.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look a class's module up there
    try:
        spec.loader.exec_module(module)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{path} raised {type(error).__name__} on loading: {error}; repair it first.") from error
    return module


def _instantiate(module: object, class_name: str, name: str) -> SearchSpace:
    cls = getattr(module, class_name, None)
    if not (isinstance(cls, type) and issubclass(cls, SearchSpace)):
        raise UserError(f"{name!r} is not a search space; name a subclass of gtn_nas.space.SearchSpace.")
    lacking = [need for need in ("name", "parameters") if not hasattr(cls, need)]
    if lacking := lacking + sorted(cls.__abstractmethods__):
        raise UserError(f"search space {name!r} lacks {lacking[0]!r}; define it in the class.")
    return cls()


def _check_supported(where: str, distribution: object) -> None:
    if not isinstance(distribution, CategoricalDistribution | IntDistribution | FloatDistribution):
        raise UserError(f"{where} must be a distribution of Optuna, but is {distribution!r}; declare it as one.")
    for choice in distribution.choices if isinstance(distribution, CategoricalDistribution) else ():
        if not isinstance(choice, str | int | float | bool) or choice != choice:  # NaN differs from itself
            raise UserError(
                f"{where} offers {choice!r}, but a choice must be a str, int, float or bool; "
                "name it by a word, such as 'none'."
            )


def _draw(distribution: BaseDistribution, rng: np.random.Generator) -> Value:
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


def _canonical(distribution: BaseDistribution, value: Value) -> Value:
    """Return the one spelling of ``value``: 1.0 for 1 where floats belong, 0.3 for 0.1 + 0.2."""
    if not isinstance(distribution, FloatDistribution):
        return value
    number = float(value)
    return number if distribution.step is None else _at(distribution, _index(distribution, number))


def _holds(distribution: BaseDistribution, value: object) -> bool:
    if isinstance(distribution, CategoricalDistribution):  # 1 == True in Python, so types count as well
        return any(type(value) is type(choice) and value == choice for choice in distribution.choices)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    if isinstance(distribution, IntDistribution) and not isinstance(value, int):
        return False
    return distribution._contains(float(value))


def _cardinality(distribution: BaseDistribution) -> int | float:
    if isinstance(distribution, CategoricalDistribution):
        return len(distribution.choices)
    if isinstance(distribution, IntDistribution):
        return (distribution.high - distribution.low) // distribution.step + 1
    assert isinstance(distribution, FloatDistribution)
    if distribution.step is None:
        return 1 if distribution.single() else math.inf
    return round((distribution.high - distribution.low) / distribution.step) + 1


def _values(name: str, distribution: BaseDistribution) -> list[Value]:
    count = _cardinality(distribution)
    if not isinstance(count, int):
        raise UserError(f"a grid needs finitely many values, but {name!r} is continuous; give it a step.")
    if isinstance(distribution, CategoricalDistribution):
        return _choices(distribution)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    return [distribution.low] if count == 1 else [_at(distribution, index) for index in range(count)]


def _nearby(distribution: BaseDistribution, value: Value) -> list[Value]:
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


def _describe(distribution: BaseDistribution) -> str:
    if isinstance(distribution, CategoricalDistribution):
        return f"the choices {', '.join(map(repr, distribution.choices))}"
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    step = f" in steps of {distribution.step}" if distribution.step else ""
    return f"{distribution.low} to {distribution.high}{step}"
