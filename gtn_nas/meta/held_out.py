"""Architectures that training never draws: some to choose the best teacher by, others to say how good it is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from gtn_nas.errors import UserError
from gtn_nas.space import Architecture, SearchSpace

__all__ = ["HeldOut", "hold_out"]

_SEED = 2**31 - 1
_QUALITY = 16  # learners that a teacher's card speaks of
_SHARE = 10  # no more than a tenth of a space is kept from training


@dataclass(frozen=True)
class HeldOut:
    """Architectures of the learners for validation and for the final quality; they repeat where a space has few.

    ``keys`` are those that training must not draw; ``truth`` holds the real accuracies of ``validation`` where
    they are known. ``ranked`` are architectures with their real accuracies whose order a teacher may learn from.
    """

    validation: tuple[Architecture, ...]
    quality: tuple[Architecture, ...]
    keys: frozenset[str]
    truth: tuple[float, ...] | None = None
    ranked: tuple[tuple[Architecture, float], ...] = ()

    @property
    def known(self) -> list[Architecture]:
        """Architectures by which a teacher was chosen, or whose order it learned from: it has no say on them."""
        return [*self.validation, *(architecture for architecture, _ in self.ranked)]


def hold_out(
    space: SearchSpace, count: int, truth: Sequence[tuple[Architecture, float]] | None = None, ranked: int = 0
) -> HeldOut:
    """Choose ``count`` learners for validation and 16 for the quality, always the same ones.

    The two share no architecture unless the space holds but one. With ``truth``, architectures and their real
    accuracies, the first ``count`` of it serve for validation, and the training learns the order of the next
    ``ranked``. Learners are otherwise drawn from none of them, nor from anything of ``truth``, as far as that leaves
    nine tenths of the space.

    Raises:
        UserError: ``truth`` does not hold so many.
    """
    if ranked and len(truth or ()) < count + ranked:
        raise UserError(
            f"learning from an order takes {count + ranked} architectures of a truth table, {count} of them for "
            f"validation, but has {len(truth or ())}; give a larger one with --truth, or lower "
            "meta.ranking_architectures."
        )
    drawn = space.sample_up_to(count + _QUALITY, _SEED)
    known = list(truth or ())[:count]
    chosen = [architecture for architecture, _ in known] or drawn[: max(1, min(count, len(drawn) // 2))]
    mine = {space.key(architecture) for architecture in chosen}
    trained = tuple(truth or ())[count : count + ranked]
    taken = mine | {space.key(architecture) for architecture, _ in trained}
    others = [architecture for architecture in drawn if space.key(architecture) not in taken][:_QUALITY] or chosen
    needed = mine | {space.key(architecture) for architecture in others}
    every = needed | {space.key(architecture) for architecture, _ in truth or ()}
    plenty = len(drawn) == count + _QUALITY  # whatever its size, a space may draw few
    keys = next((kept for kept in (every, needed) if plenty and _SHARE * len(kept) <= space.size), set())
    repeated = chosen if known else list(itertools.islice(itertools.cycle(chosen), count))
    quality = tuple(itertools.islice(itertools.cycle(others), _QUALITY))
    values = tuple(value for _, value in known) if known else None
    return HeldOut(tuple(repeated), quality, frozenset(keys), values, trained)
