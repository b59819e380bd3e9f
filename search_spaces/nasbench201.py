"""``nasbench201``: the cells of NAS-Bench-201 (Dong & Yang, 2020), whose real accuracies are published."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import ClassVar

import torch
from optuna.distributions import BaseDistribution, CategoricalDistribution
from torch import Tensor, nn

from gtn_nas.space import Architecture, ImageTask, SearchSpace

__all__ = ["NasBench201", "NasBench201Reduced", "to_string"]

_OPERATORS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
_EDGES = tuple((node, source) for node in (1, 2, 3) for source in range(node))
_STRING = re.compile(r"\|(\w+)~0\|\+\|(\w+)~0\|(\w+)~1\|\+\|(\w+)~0\|(\w+)~1\|(\w+)~2\|")


def _name(node: int, source: int) -> str:
    return f"node{node}_from{source}"


class NasBench201(SearchSpace):
    """The cells of NAS-Bench-201, five a stage, three stages.

    Each stage has ``cells`` equal cells, the first ``width`` channels. A cell has an input, three nodes, and an
    operator on each of the six edges between them; a node adds what reaches it. Between stages a residual block halves
    the image and doubles the channels. The published accuracies are of 5 cells, 16 channels and 32×32 images; a
    subclass with its own ``name``, ``cells`` and ``width`` is a cheaper stand-in, as :class:`NasBench201Reduced` is.
    """

    name = "nasbench201"
    version = 1
    parameters: ClassVar[Mapping[str, BaseDistribution]] = {
        _name(node, source): CategoricalDistribution(_OPERATORS) for node, source in _EDGES
    }
    cells: ClassVar[int] = 5
    width: ClassVar[int] = 16

    def build(self, architecture: Architecture, task: ImageTask) -> nn.Module:
        """Return the network for ``task``: logits ``[B, classes]``."""
        chosen = self.validate(architecture)
        operators = [str(chosen[_name(node, source)]) for node, source in _EDGES]
        channels = self.width
        layers: list[nn.Module] = [
            nn.Conv2d(task.image_shape[0], channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        ]
        for stage in range(3):
            if stage:
                layers.append(_Reduction(channels))
                channels *= 2
            layers += [_Cell(operators, channels) for _ in range(self.cells)]
        layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        return nn.Sequential(*layers, nn.Linear(channels, task.classes))

    def read(self, text: str) -> Architecture:
        """Read the published notation, ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``.

        Raises:
            ValueError: it is not of that form, or an operator is unknown.
        """
        found = _STRING.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no cell of NAS-Bench-201; its form is |op~0|+|op~0|op~1|+|op~0|op~1|op~2|.")
        return self.validate({_name(*edge): kind for edge, kind in zip(_EDGES, found.groups(), strict=True)})


class NasBench201Reduced(NasBench201):
    """One cell a stage and 8 channels: a twelfth of the operations, for teachers on a CPU."""

    name = "nasbench201_reduced"
    cells = 1
    width = 8


class _Cell(nn.Module):
    def __init__(self, operators: list[str], channels: int) -> None:
        super().__init__()
        self.operators = nn.ModuleList(_MAKE[kind](channels) for kind in operators)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, C, H, W]`` to the last node, of the same shape."""
        nodes = [x]
        for (_, source), operator in zip(_EDGES, self.operators, strict=True):
            passed = operator(nodes[source])
            if source == 0:
                nodes.append(passed)
            else:
                nodes[-1] = nodes[-1] + passed
        return nodes[-1]


class _Nothing(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, C, H, W]`` to zeros, which the network's other layers do see: batch norm learns a constant."""
        return torch.zeros_like(x)


class _Reduction(nn.Module):
    """Basic residual block of stride 2 without an activation at its end."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(_conv(channels, 2 * channels, 3, 2), _conv(2 * channels, 2 * channels, 3))
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(channels, 2 * channels, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, C, H, W]`` to ``[B, 2C, H/2, W/2]``."""
        out: Tensor = self.branch(x) + self.shortcut(x)
        return out


def _conv(cin: int, cout: int, kernel: int, stride: int = 1) -> nn.Module:
    convolution = nn.Conv2d(cin, cout, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), convolution, nn.BatchNorm2d(cout))


_MAKE: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda channels: _Nothing(),
    "skip_connect": lambda channels: nn.Identity(),
    "nor_conv_1x1": lambda channels: _conv(channels, channels, 1),
    "nor_conv_3x3": lambda channels: _conv(channels, channels, 3),
    "avg_pool_3x3": lambda channels: nn.AvgPool2d(3, 1, padding=1, count_include_pad=False),
}


def to_string(architecture: Architecture) -> str:
    """Write the published notation."""
    nodes = ("".join(f"|{architecture[_name(node, source)]}~{source}" for source in range(node)) for node in (1, 2, 3))
    return "|+".join(nodes) + "|"
