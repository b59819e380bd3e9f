"""Architectures that training never draws: some to choose the best teacher by, others to say how good it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gtn_nas.space import Architecture, SearchSpace

__all__ = ["HeldOut", "hold_out"]

_SEED = 2**31 - 1
_QUALITY = 16  # architectures that a teacher's card speaks of
_PLENTY = 10  # a space holds so many times what is held out, or nothing is kept from training


@dataclass(frozen=True)
class HeldOut:
    """Architectures for validation and for the final quality, their real accuracies where they are known.

    ``keys`` are those that training must not draw; none where the space is so small that training needs all.
    """

    validation: tuple[Architecture, ...]
    quality: tuple[Architecture, ...]
    keys: frozenset[str]
    truth: tuple[float, ...] | None = None


def hold_out(space: SearchSpace, count: int, truth: Sequence[tuple[Architecture, float]] | None = None) -> HeldOut:
    """Choose ``count`` architectures for validation and others for the quality, always the same ones.

    With ``truth``, architectures and their real accuracies, the first ``count`` of it serve for validation, and
    all of it is kept from training, so that what is left can say how far the teacher is to be trusted.
    """
    drawn = space.sample_up_to(count + _QUALITY, _SEED)
    if space.size < _PLENTY * (count + _QUALITY) or len(drawn) < count + _QUALITY:
        return HeldOut(tuple(drawn[:count]), tuple(drawn[:_QUALITY]), frozenset())
    known = list(truth or ())
    keys = frozenset(space.key(architecture) for architecture in [*drawn, *(a for a, _ in known)])
    if not known:
        return HeldOut(tuple(drawn[:count]), tuple(drawn[count:]), keys)
    chosen = known[:count]
    return HeldOut(tuple(a for a, _ in chosen), tuple(drawn[count:]), keys, tuple(value for _, value in chosen))
