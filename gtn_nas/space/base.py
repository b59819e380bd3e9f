"""The contract that every search space keeps."""

from __future__ import annotations

import functools
import itertools
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Protocol, SupportsIndex

import numpy as np
from optuna.distributions import BaseDistribution, distribution_to_json
from torch import nn

from gtn_nas.errors import UserError
from gtn_nas.fingerprint import fingerprint
from gtn_nas.space import distributions
from gtn_nas.space.cost import Cost, count_cost
from gtn_nas.space.distributions import Value

__all__ = ["Architecture", "ImageTask", "SearchSpace"]

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
        if self.origin is None:
            return super().__reduce_ex__(protocol)
        from gtn_nas.space.loading import load_space  # it needs this class

        return load_space, (self.origin,)  # a worker process cannot import the module of a loose file

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        for name, distribution in getattr(cls, "parameters", {}).items():
            distributions.check_supported(f"space {cls.__name__}: parameter {name!r}", distribution)

    @abstractmethod
    def build(self, architecture: Architecture, task: ImageTask) -> nn.Module:
        """Return a freshly initialised network: images ``[B, C, H, W]`` → logits ``[B, classes]``.

        Initialisation draws from torch's global generator.
        """

    def check_task(self, task: ImageTask) -> None:  # noqa: B027 # most spaces serve every task
        """Refuse a task for which no architecture of the space can be built.

        Raises:
            UserError: it is one; the message says why.
        """

    def allows(self, architecture: Architecture) -> bool:
        """Whether these values, each in its range, may stand together; in most spaces all may."""
        return True

    def read(self, text: str) -> Architecture:
        """Return the architecture that a published table writes as ``text``.

        Raises:
            ValueError: the space has no published notation, or the text is not of it.
        """
        raise UserError(f"space {self.name!r} has no published notation; make a truth table with gtn-nas truth.")

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draw one architecture, every parameter uniformly (log-uniformly where it is declared so)."""
        return {name: distributions.draw(distribution, rng) for name, distribution in self.parameters.items()}

    def sample_many(self, count: int, seed: int) -> list[Architecture]:
        """Draw ``count`` different architectures.

        Raises:
            UserError: the space does not hold, or does not draw, that many.
        """
        size = self.size
        if count > size:
            raise UserError(f"space {self.name!r} holds {size} architectures, but {count} were asked for.")
        found = self.sample_up_to(count, seed)
        if len(found) < count:
            raise UserError(f"space {self.name!r} draws only {len(found)} different architectures; ask for no more.")
        return found

    def sample_up_to(self, count: int, seed: int) -> list[Architecture]:
        """Draw ``count`` different architectures, or as many as turn up: :meth:`sample` may draw few of all."""
        rng = np.random.default_rng(seed)
        found: dict[str, Architecture] = {}
        repeats = 0
        while len(found) < count and repeats < 1000 + 50 * count:
            architecture = self.sample(rng)
            key = self.key(architecture)
            repeats = repeats + 1 if key in found else 0
            found.setdefault(key, architecture)
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
            if not distributions.holds(distribution, value):
                allowed = distributions.describe(distribution)
                raise UserError(f"space {self.name!r}: {name}={value!r} is outside {allowed}; choose from there.")
            assert isinstance(value, str | int | float | bool)
            checked[name] = distributions.canonical(distribution, value)
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
            for value in distributions.nearby(distribution, architecture[name]):
                yield {**architecture, name: value}

    def grid(self) -> Iterator[Architecture]:
        """Yield every architecture, the last parameter changing fastest.

        Raises:
            UserError: a parameter is continuous.
        """
        columns = [distributions.values_of(name, distribution) for name, distribution in self.parameters.items()]
        for row in itertools.product(*columns):
            yield dict(zip(self.parameters, row, strict=True))

    @property
    def size(self) -> int | float:
        """How many architectures there are (infinite with a continuous parameter)."""
        return math.prod(distributions.cardinality(distribution) for distribution in self.parameters.values())

    def cost(self, architecture: Architecture, task: ImageTask) -> Cost:
        """Count parameters and FLOPs; no random state changes, and a huge network takes no memory."""
        return count_cost(lambda: self.build(architecture, task), task.image_shape)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hash of name, version and parameters: what a study or a teacher must agree on with its space."""
        described = {name: distribution_to_json(value) for name, value in self.parameters.items()}
        return fingerprint(json.dumps([self.name, self.version, described]))
