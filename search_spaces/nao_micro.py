"""``nao_micro``: the cells of NAO and ENAS, in the form in which Such et al. (2019) searched them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from optuna.distributions import BaseDistribution, CategoricalDistribution
from torch import Tensor, nn

from gtn_nas.nets.weight_norm import WeightNormConv2d, WeightNormLinear
from gtn_nas.space import Architecture, ImageTask, SearchSpace

__all__ = ["NaoMicro", "NaoMicroReduced"]

_CELLS = ("normal", "reduction")
_NODES = 5
_SIDES = ("left", "right")
_INPUTS = ("before_last", "last")  # the outputs of the two cells before


_MAKE: dict[str, Callable[[int, int], nn.Module]] = {
    "identity": lambda width, stride: nn.Identity() if stride == 1 else _conv(width, width, 1, stride),
    "conv_1x1": lambda width, stride: _conv(width, width, 1, stride),
    "conv_3x3": lambda width, stride: _conv(width, width, 3, stride),
    "conv_1x3_3x1": lambda width, stride: _split(width, 3, stride),
    "conv_1x7_7x1": lambda width, stride: _split(width, 7, stride),
    "max_pool_2x2": lambda width, stride: _Pool("max", 2, stride),
    "max_pool_3x3": lambda width, stride: _Pool("max", 3, stride),
    "max_pool_5x5": lambda width, stride: _Pool("max", 5, stride),
    "avg_pool_2x2": lambda width, stride: _Pool("avg", 2, stride),
    "avg_pool_3x3": lambda width, stride: _Pool("avg", 3, stride),
    "avg_pool_5x5": lambda width, stride: _Pool("avg", 5, stride),
}


def _sources(node: int) -> tuple[str, ...]:
    return (*_INPUTS, *(f"node{earlier}" for earlier in range(1, node)))


def _names(cell: str, node: int, side: str) -> tuple[str, str]:
    return f"{cell}{node}_{side}_from", f"{cell}{node}_{side}_op"


def _parameters() -> Iterator[tuple[str, BaseDistribution]]:
    for cell in _CELLS:
        for node in range(1, _NODES + 1):
            for side in _SIDES:
                source, operator = _names(cell, node, side)
                yield source, CategoricalDistribution(_sources(node))
                yield operator, CategoricalDistribution(tuple(_MAKE))


class NaoMicro(SearchSpace):
    """A normal and a reduction cell of five nodes each, and eleven operators.

    A node adds two operators' results, each of the output of one of the two cells before or of an earlier node. What no
    node uses is a cell's output, one after the other. The network has three stages of ``cells`` normal cells with a
    reduction cell between them, which halves the image and doubles the channels, ``width`` at first; all convolutions
    are weight-normalised, with leaky ReLUs of slope 0.1 before and batch norm after them. As published ``cells`` is 3
    and ``width`` 32; a subclass with its own ``name`` is a cheaper stand-in, as :class:`NaoMicroReduced` is.
    """

    name = "nao_micro"
    version = 1
    parameters: ClassVar[Mapping[str, BaseDistribution]] = dict(_parameters())
    cells: ClassVar[int] = 3
    width: ClassVar[int] = 32

    def build(self, architecture: Architecture, task: ImageTask) -> nn.Module:
        """Return the network for ``task``: logits ``[B, classes]``."""
        return _Network(self.validate(architecture), self.cells, self.width, task)


class NaoMicroReduced(NaoMicro):
    """One normal cell a stage and 8 channels, for teachers on a CPU."""

    name = "nao_micro_reduced"
    cells = 1
    width = 8


class _Network(nn.Module):
    def __init__(self, chosen: Architecture, cells: int, width: int, task: ImageTask) -> None:
        super().__init__()
        channels = 3 * width
        self.stem = nn.Sequential(WeightNormConv2d(task.image_shape[0], channels, 3), _norm(channels))
        before, last = (channels, 1), (channels, 1)  # channels, and how many times coarser than the image
        self.cells = nn.ModuleList()
        for number in range(3 * cells + 2):
            kind = "reduction" if number % (cells + 1) == cells else "normal"
            width *= 2 if kind == "reduction" else 1
            cell = _Cell(chosen, kind, before[0], last[0], width, 2 if last[1] > before[1] else 1)
            self.cells.append(cell)
            before, last = last, (cell.channels, last[1] * (2 if kind == "reduction" else 1))
        self.head = nn.Sequential(_activation(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classifier = WeightNormLinear(last[0], task.classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map images ``[B, C, H, W]`` to logits ``[B, classes]``."""
        before = last = self.stem(x)
        for cell in self.cells:
            before, last = last, cell(before, last)
        logits: Tensor = self.classifier(self.head(last))
        return logits


class _Cell(nn.Module):
    """One cell: ``[B, C₀, H₀, W₀]`` and ``[B, C₁, H, W]`` → ``[B, channels, H, W]``, halved if it is a reduction."""

    def __init__(self, chosen: Architecture, kind: str, before: int, last: int, width: int, coarser: int) -> None:
        super().__init__()
        self.before, self.last = _conv(before, width, 1, coarser), _conv(last, width, 1)
        self.operators, self._sources = nn.ModuleList(), []
        free = set(range(2, 2 + _NODES))
        for node in range(1, _NODES + 1):
            for side in _SIDES:
                source_name, operator_name = _names(kind, node, side)
                source = _sources(node).index(str(chosen[source_name]))
                stride = 2 if kind == "reduction" and source < 2 else 1
                self.operators.append(_MAKE[str(chosen[operator_name])](width, stride))
                self._sources.append(source)
                free.discard(source)
        self._free = sorted(free)
        self.channels = width * len(self._free)

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        """Compute every node, and put those that no other uses one after the other."""
        found = [self.before(before), self.last(last)]
        results = zip(self.operators, self._sources, strict=True)
        for _ in range(_NODES):
            (left, i), (right, j) = next(results), next(results)
            found.append(left(found[i]) + right(found[j]))
        return torch.cat([found[node] for node in self._free], 1)


class _Pool(nn.Module):
    """Max- or average-pooling that keeps the size, or halves it to the next larger whole number."""

    def __init__(self, kind: str, kernel: int, stride: int) -> None:
        super().__init__()
        pad = 0 if kernel == 2 else kernel // 2
        self._even = kernel == 2  # repeats the last row and column, since one side has a neighbour too few
        self.pool: nn.Module = (
            nn.MaxPool2d(kernel, stride, pad)
            if kind == "max"
            else nn.AvgPool2d(kernel, stride, pad, count_include_pad=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, C, H, W]`` to ``[B, C, ⌈H/stride⌉, ⌈W/stride⌉]``."""
        y: Tensor = self.pool(F.pad(x, (0, 1, 0, 1), mode="replicate") if self._even else x)
        return y


def _activation() -> nn.Module:
    return nn.LeakyReLU(0.1)


def _norm(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels, momentum=1.0)  # the last batch's statistics, momentum 0 in the published sense


def _conv(cin: int, cout: int, kernel: int | tuple[int, int], stride: int | tuple[int, int] = 1) -> nn.Module:
    return nn.Sequential(_activation(), WeightNormConv2d(cin, cout, kernel, stride), _norm(cout))


def _split(width: int, length: int, stride: int) -> nn.Module:
    """A convolution along the rows, and one along the columns."""
    return nn.Sequential(_conv(width, width, (1, length), (1, stride)), _conv(width, width, (length, 1), (stride, 1)))
