"""Make a network ready to be differentiated through its training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn

from gtn_nas.errors import UserError
from gtn_nas.nets.convolution import Conv2d
from gtn_nas.nets.demand import Demand
from gtn_nas.nets.hard import Hard
from gtn_nas.nets.mean_only import MeanOnlyBatchNorm
from gtn_nas.nets.normalisation import normalise, normalise_natively
from gtn_nas.nets.pooling import MaxPool2d
from gtn_nas.nets.rectifier import Rectifier
from gtn_nas.nets.stateless import StatelessBatchNorm, StatelessGroupNorm, StatelessMeanOnly, Switch

__all__ = ["Controls", "prepare"]

_NORMALISATIONS = (
    MeanOnlyBatchNorm,
    nn.modules.batchnorm._BatchNorm,
    nn.GroupNorm,
    nn.modules.instancenorm._InstanceNorm,
)


@dataclass(frozen=True)
class Controls:
    """What steers a prepared network: its batch-norm layers (None: it has none) and its convolutions."""

    switch: Switch | None
    demand: Demand


def prepare(network: nn.Module, *, native: bool = False) -> Controls:
    """Replace layers of ``network`` in place, parameters keeping names and values.

    Normalisation layers lose their running buffers; convolutions, max-pooling, rectifiers and normalisation get
    second derivatives of their own, or with ``native`` keep PyTorch's. Hard sigmoid and swish always get them.

    Raises:
        UserError: a normalisation layer has hooks, which its replacement would lose.
    """
    switch, demand = Switch(), Demand()
    places = [  # a layer may stand in several
        (parent, name, child)
        for parent in network.modules()
        for name, child in parent._modules.items()
        if child is not None
    ]
    layers = {child: _replacement(child, switch, demand, native) for _, _, child in places}
    for parent, name, child in places:
        layer = layers[child]
        if layer is not None:
            setattr(parent, name, layer)
    batched = any(isinstance(layer, StatelessBatchNorm | StatelessMeanOnly) for layer in layers.values())
    return Controls(switch if batched else None, demand)


def _replacement(layer: nn.Module, switch: Switch, demand: Demand, native: bool) -> nn.Module | None:
    kernel = normalise_natively if native else partial(_normalise, demand)
    if layer._forward_hooks or layer._forward_pre_hooks:
        if isinstance(layer, _NORMALISATIONS):
            raise UserError(f"a learner's {type(layer).__name__} must not have hooks; remove them before it is taught.")
        return None
    if isinstance(layer, MeanOnlyBatchNorm):
        return StatelessMeanOnly(layer, switch)
    if isinstance(layer, nn.modules.batchnorm._BatchNorm):
        return StatelessBatchNorm(layer, switch, kernel)
    if isinstance(layer, nn.GroupNorm | nn.modules.instancenorm._InstanceNorm):
        return StatelessGroupNorm(layer, kernel)
    if Hard.supports(layer):
        assert isinstance(layer, nn.Hardsigmoid | nn.Hardswish)
        return Hard(layer)
    if not native and Conv2d.supports(layer):
        assert isinstance(layer, nn.Conv2d)
        return Conv2d(layer, demand)
    if not native and MaxPool2d.supports(layer):
        assert isinstance(layer, nn.MaxPool2d)
        return MaxPool2d(layer, demand)
    if not native and Rectifier.supports(layer):
        assert isinstance(layer, nn.ReLU | nn.LeakyReLU)
        return Rectifier(layer, demand)
    return None


def _normalise(demand: Demand, *words: Any) -> Tensor:
    return (normalise if demand.graph else normalise_natively)(*words)
