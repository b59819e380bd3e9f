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
from gtn_nas.nets.normalisation import Normalise, normalise, normalise_natively
from gtn_nas.nets.pooling import MaxPool2d
from gtn_nas.nets.rectifier import Rectifier
from gtn_nas.nets.stateless import StatelessBatchNorm, StatelessGroupNorm, StatelessMeanOnly, Switch

__all__ = ["Controls", "prepare"]

_Batch = nn.modules.batchnorm._BatchNorm
_Instance = nn.modules.instancenorm._InstanceNorm
_KNOWN = {layer.forward for layer in (MeanOnlyBatchNorm, _Batch, nn.SyncBatchNorm, nn.GroupNorm, _Instance)}


@dataclass(frozen=True)
class Controls:
    """What steers a prepared network: its batch-norm layers (None: it has none) and its convolutions."""

    switch: Switch | None
    demand: Demand


def prepare(network: nn.Module, *, native: bool = False) -> Controls:
    """Give layers of ``network`` another forward pass; they stay what they are, with parameters, attributes and hooks.

    Normalisation layers lose their running buffers; convolutions, max-pooling, rectifiers and normalisation get
    second derivatives of their own, or with ``native`` keep PyTorch's. Hard sigmoid and swish always get them.

    Raises:
        UserError: a normalisation layer keeps running statistics in a forward pass of its own.
    """
    switch, demand = Switch(), Demand()
    layers = list(network.modules())
    for layer in layers:
        _prepare(layer, switch, demand, native)
    batched = any(isinstance(layer, StatelessBatchNorm | StatelessMeanOnly) for layer in layers)
    return Controls(switch if batched else None, demand)


def _prepare(layer: nn.Module, switch: Switch, demand: Demand, native: bool) -> None:
    if isinstance(layer, MeanOnlyBatchNorm | _Batch | nn.GroupNorm | _Instance):
        _prepare_normalisation(layer, switch, normalise_natively if native else partial(_normalise, demand))
    elif Hard.supports(layer):
        Hard.take(layer)
    elif native:
        return
    elif Conv2d.supports(layer):
        assert isinstance(layer, nn.Conv2d)
        Conv2d.take(layer, demand)
    elif MaxPool2d.supports(layer):
        assert isinstance(layer, nn.MaxPool2d)
        MaxPool2d.take(layer, demand)
    elif Rectifier.supports(layer):
        Rectifier.take(layer, demand)


def _prepare_normalisation(
    layer: MeanOnlyBatchNorm | _Batch | nn.GroupNorm | _Instance, switch: Switch, kernel: Normalise
) -> None:
    if type(layer).forward not in _KNOWN:  # a subclass with an activation in it, say
        if any(True for _ in layer.buffers()):
            raise UserError(
                f"a learner's {type(layer).__name__} keeps running statistics in a forward pass of its own, which "
                "carry no gradient; make it of PyTorch's layers, as in nn.Sequential(nn.BatchNorm2d(16), nn.ReLU())."
            )
    elif isinstance(layer, MeanOnlyBatchNorm):
        StatelessMeanOnly.take(layer, switch)
    elif isinstance(layer, _Batch):
        StatelessBatchNorm.take(layer, switch, kernel)
    else:
        StatelessGroupNorm.take(layer, kernel)


def _normalise(demand: Demand, *words: Any) -> Tensor:
    return (normalise if demand.graph else normalise_natively)(*words)
