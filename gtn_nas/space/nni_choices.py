"""The choices of an NNI model space as parameters of ours, and samples back and forth."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from gtn_nas.errors import UserError
from gtn_nas.nni_import import import_nni
from gtn_nas.space.distributions import Value

__all__ = ["Choices", "read_choices"]

_MOST_SUBSETS = 1000


@dataclass(frozen=True)
class Choices:
    """Parameters by NNI's labels; ``subsets``: of those that choose several, what each word stands for.

    ``constrained``: whether the space forbids some combinations.
    """

    parameters: Mapping[str, BaseDistribution]
    subsets: Mapping[str, Mapping[str, list[Any]]]
    constrained: bool

    def to_sample(self, architecture: Mapping[str, Any]) -> dict[str, Any]:
        """Return what NNI calls a sample."""
        return {
            label: self.subsets[label][value] if label in self.subsets else value
            for label, value in architecture.items()
        }

    def from_sample(self, sample: Mapping[str, Any]) -> dict[str, Value]:
        """Return the architecture that an NNI sample means."""
        return {label: self._word(label, sample[label]) for label in self.parameters}

    def _word(self, label: str, value: Any) -> Value:
        if label not in self.subsets:
            return value  # type: ignore[no-any-return]
        return next(word for word, members in self.subsets[label].items() if set(members) == set(value))


def read_choices(space: str, template: Any) -> Choices:
    """Return the choices of ``template``, an NNI model space that is called ``space``.

    A choice of several of n candidates becomes one of their subsets, written ``0+2``.

    Raises:
        UserError: there is none, or one of a kind that cannot be searched.
    """
    annotation = import_nni("nni.mutable.annotation").MutableAnnotation
    parameters: dict[str, BaseDistribution] = {}
    subsets: dict[str, Mapping[str, list[Any]]] = {}
    constrained = False
    for label, mutable in template.simplify().items():
        if isinstance(mutable, annotation):
            constrained = True
        elif hasattr(mutable, "n_chosen"):
            subsets[label] = _subsets(space, label, mutable)
            parameters[label] = CategoricalDistribution(tuple(subsets[label]))
        else:
            parameters[label] = _distribution(space, label, mutable)
    if not parameters:
        raise UserError(f"NNI's model space {space!r} has nothing to choose; give it a LayerChoice or nni.choice.")
    return Choices(parameters, subsets, constrained)


def _distribution(space: str, label: str, mutable: Any) -> BaseDistribution:
    kinds = import_nni("nni.mutable")
    if isinstance(mutable, kinds.Categorical) and all(isinstance(v, str | int | float | bool) for v in mutable.values):
        return CategoricalDistribution(tuple(mutable.values))
    if isinstance(mutable, kinds.Numerical) and mutable.mu is None and math.isfinite(mutable.high - mutable.low):
        return FloatDistribution(mutable.low, mutable.high, log=mutable.log_distributed, step=mutable.quantize)
    raise UserError(
        f"NNI's model space {space!r} has a parameter {label!r} that is neither a choice among words and numbers "
        "nor an interval; replace it by one."
    )


def _subsets(space: str, label: str, mutable: Any) -> dict[str, list[Any]]:
    values, count = mutable.values, mutable.n_chosen
    sizes = range(len(values) + 1) if count is None else [count]
    if sum(math.comb(len(values), size) for size in sizes) > _MOST_SUBSETS:
        raise UserError(
            f"NNI's model space {space!r}: {label!r} has more than {_MOST_SUBSETS:,} subsets; offer fewer candidates."
        )
    chosen = itertools.chain.from_iterable(itertools.combinations(values, size) for size in sizes)
    return {"+".join(map(str, members)) or "none": list(members) for members in chosen}
