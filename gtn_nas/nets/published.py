"""The learners of the published GTN experiments, by their names there (Such et al., 2019; GoodAI)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import nn

from gtn_nas.errors import UserError
from gtn_nas.nets.mean_only import MeanOnlyBatchNorm
from gtn_nas.nets.weight_norm import WeightNormConv2d, WeightNormLinear

__all__ = ["PUBLISHED", "build_published"]


class _Task(Protocol):
    @property
    def image_shape(self) -> tuple[int, int, int]: ...

    @property
    def classes(self) -> int: ...


def build_published(name: str, task: _Task) -> nn.Module:
    """Return a freshly initialised learner: images ``[B, C, H, W]`` → logits ``[B, classes]``.

    Activations are leaky ReLUs with slope 0.1; all layers of Such et al.'s learners are weight-normalised.

    Raises:
        UserError: there is no published learner of that name, or it does not fit the task's images.
    """
    if name not in PUBLISHED:
        raise UserError(f"unknown published learner {name!r}; use one of {', '.join(PUBLISHED)}.")
    return PUBLISHED[name](task)


def _base(hidden: int | None) -> Callable[[_Task], nn.Module]:
    def build(task: _Task) -> nn.Module:
        channels, height, width = task.image_shape
        stages: list[nn.Module] = []
        for cin, cout in ((channels, 64), (64, 128)):
            pool = nn.MaxPool2d(3, 2, padding=1)
            stages += [WeightNormConv2d(cin, cout, 3), pool, MeanOnlyBatchNorm(cout), _activation()]
        return nn.Sequential(*stages, *_head(128, _halved(height), _halved(width), hidden, task.classes, _mean_only))

    return build


def _strided(
    layers: list[tuple[int, int, int]], hidden: int | None, norm: Callable[[int], nn.Module]
) -> Callable[[_Task], nn.Module]:
    """Layers are (kernel, stride, width)."""

    def build(task: _Task) -> nn.Module:
        cin, height, width = task.image_shape
        stages: list[nn.Module] = []
        for kernel, stride, cout in layers:
            stages += [WeightNormConv2d(cin, cout, kernel, stride), norm(cout), _activation()]
            cin = cout
        return nn.Sequential(*stages, *_head(cin, _halved(height), _halved(width), hidden, task.classes, norm))

    return build


def _perceptron(task: _Task) -> nn.Module:
    channels, height, width = task.image_shape
    layers: list[nn.Module] = [nn.Flatten()]
    for cin, cout in ((channels * height * width, 256), (256, 128)):
        layers += [WeightNormLinear(cin, cout), MeanOnlyBatchNorm(cout), _activation()]
    return nn.Sequential(*layers, WeightNormLinear(128, task.classes))


def _goodai(task: _Task) -> nn.Module:
    """Unpadded convolutions with full batch norm, which also follows the last layer."""
    channels, height, width = task.image_shape
    grid = [((side - 2) // 2 - 2) // 2 for side in (height, width)]
    if min(grid) < 1:
        raise UserError(f"learner goodai needs images of at least 10×10 pixels, but these are {height}×{width}.")
    layers: list[nn.Module] = []
    for cin, cout in ((channels, 64), (64, 128)):
        layers += [nn.Conv2d(cin, cout, 3), _activation(), nn.BatchNorm2d(cout), nn.MaxPool2d(2)]
    flat = 128 * grid[0] * grid[1]
    network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(flat, task.classes), nn.BatchNorm1d(task.classes))
    for layer in network:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
    return network


def _head(
    channels: int, height: int, width: int, hidden: int | None, classes: int, norm: Callable[[int], nn.Module]
) -> list[nn.Module]:
    if hidden is None:
        return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), WeightNormLinear(channels, classes)]
    wide = WeightNormLinear(channels * height * width, hidden)
    normal = nn.BatchNorm1d(hidden, momentum=1.0) if norm is _full else norm(hidden)
    return [nn.Flatten(), wide, normal, _activation(), WeightNormLinear(hidden, classes)]


def _activation() -> nn.Module:
    return nn.LeakyReLU(0.1)


def _mean_only(channels: int) -> nn.Module:
    return MeanOnlyBatchNorm(channels)


def _full(channels: int) -> nn.Module:
    """Mean, variance and gain, by the last batch's statistics (momentum 0 in the published code's sense)."""
    return nn.BatchNorm2d(channels, momentum=1.0)


def _halved(size: int, times: int = 2) -> int:
    return size if times == 0 else _halved((size + 1) // 2, times - 1)


_LARGER2 = [(3, 1, 64), (3, 2, 128), (3, 1, 128), (3, 2, 256), (3, 1, 256)]
_LARGER3 = [(3, 1, 64), (1, 1, 64), (3, 2, 128), (1, 1, 128), (3, 2, 256), (1, 1, 256)]
_LARGER4 = [(3, 1, 64), (1, 1, 64), (3, 2, 128), (1, 1, 128), (1, 1, 128), (3, 2, 256), (1, 1, 256), (1, 1, 256)]

PUBLISHED: dict[str, Callable[[_Task], nn.Module]] = {
    "goodai": _goodai,
    "base": _base(None),
    "base_fc": _base(256),
    "linear": _perceptron,
    "base_larger": _base(256),  # the published code has it twice
    "base_larger2": _strided(_LARGER2, None, _mean_only),
    "base_larger3": _strided(_LARGER3, 256, _mean_only),
    "base_larger3_global_pooling": _strided(_LARGER3, None, _mean_only),
    "base_larger4": _strided(_LARGER4, 256, _full),
    "base_larger4_global_pooling": _strided(_LARGER4, None, _full),
}
