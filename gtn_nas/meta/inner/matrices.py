"""Where the weight matrices lie in a flat vector, gathered into few batches: a small product is mostly its call."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["WIDE", "Matrices"]

WIDE = 8  # columns a row from which iterating on the Gram matrix is quicker (on one core)
_CALLS = 50.0  # microseconds that the calls of five iterations take whatever the size, on one core
_SPEED = 60e3  # operations in a microsecond

Sides = tuple[int, int]  # the shorter and the longer one
Batch = tuple[Sides, list[int]]  # with the places of its members among the parameters


@dataclass(frozen=True)
class Matrices:
    """Indices of a flat vector's ``M`` matrices, and of its rest.

    Attributes:
        batches: indices ``[N, R, C]`` with ``R <= C``, of taller matrices transposed; the index ``P``, one past the
            vector, where a matrix is smaller than its batch.
        order: which of the vector's matrices each one is, from 0, ``[N, 1, 1]`` for each batch.
        growth: a factor of every matrix, ``[N, 1, 1]`` for each batch: √max(1, rows/columns), in float64.
        rest: indices of what is no matrix.
        back: indices ``[P]`` of each entry in the batches, flattened one after another, and the rest after them.
    """

    batches: tuple[Tensor, ...]
    order: tuple[Tensor, ...]
    growth: tuple[Tensor, ...]
    rest: Tensor
    back: Tensor

    @classmethod
    def of(cls, shapes: Sequence[torch.Size]) -> Matrices:
        """Find them: whatever has two axes or more is a matrix of its first axis."""
        sizes = [shape.numel() for shape in shapes]
        starts = [0, *itertools.accumulate(sizes)]
        places = [place for place, shape in enumerate(shapes) if len(shape) > 1]
        rest = [torch.arange(starts[p], starts[p + 1]) for p in range(len(shapes)) if p not in set(places)]
        by_sides: dict[Sides, list[int]] = {}
        for place in places:
            rows, columns = _rows_and_columns(shapes[place])
            by_sides.setdefault((min(rows, columns), max(rows, columns)), []).append(place)
        batches, order, growth = [], [], []
        for (short, long), members in _merged(by_sides):
            index = torch.full((len(members), short, long), starts[-1])
            for one, place in zip(index, members, strict=True):
                rows, columns = _rows_and_columns(shapes[place])
                entries = torch.arange(starts[place], starts[place + 1]).view(rows, columns)
                entries = entries.mT if rows > columns else entries
                one[: entries.shape[0], : entries.shape[1]] = entries
            sides = [_rows_and_columns(shapes[place]) for place in members]
            factors = [math.sqrt(max(1.0, rows / columns)) for rows, columns in sides]
            batches.append(index)
            order.append(torch.tensor([places.index(place) for place in members]).view(-1, 1, 1))
            growth.append(torch.tensor(factors, dtype=torch.float64).view(-1, 1, 1))
        there = torch.cat([part.flatten() for part in [*batches, *rest]]) if sizes else torch.arange(0)
        back = torch.empty(starts[-1] + 1, dtype=torch.long)
        back[there] = torch.arange(len(there))
        return cls(tuple(batches), tuple(order), tuple(growth), torch.cat(rest) if rest else torch.arange(0), back[:-1])

    def to(self, device: torch.device) -> Matrices:
        """Return the same on ``device``."""

        def there(parts: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return tuple(part.to(device) for part in parts)

        batches, order, growth = there(self.batches), there(self.order), there(self.growth)
        return Matrices(batches, order, growth, self.rest.to(device), self.back.to(device))


def _rows_and_columns(shape: torch.Size) -> Sides:
    return shape[0], shape[1:].numel()


def _merged(by_sides: dict[Sides, list[int]]) -> list[Batch]:
    """Put batches together where padding costs less than the calls for another one; rows of zeros stay zeros."""
    batches: list[Batch] = []
    for batch in sorted(by_sides.items()):
        if batches:
            (short, long), members = batches[-1]
            joined = (max(short, batch[0][0]), max(long, batch[0][1])), members + batch[1]
            if _microseconds(joined) <= _microseconds(batches[-1]) + _microseconds(batch):
                batches[-1] = joined
                continue
        batches.append(batch)
    return batches


def _microseconds(batch: Batch) -> float:
    """Estimate what five iterations of Muon take (2 operations per multiply-add)."""
    (short, long), members = batch
    square, product = 2 * short**3, 2 * short**2 * long
    operations = 2 * product + 20 * square if long >= WIDE * short else 10 * product + 5 * square
    return _CALLS + len(members) * operations / _SPEED
