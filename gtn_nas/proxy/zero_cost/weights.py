"""The weights that scores look at: what a layer multiplies by, whatever it computes that from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from gtn_nas.nets.become import become
from gtn_nas.nets.weight_norm import WeightNormConv2d, WeightNormLinear

__all__ = ["weighted_layers"]


class _PlainConv2d(nn.Module):
    weight: Tensor
    stride: int | tuple[int, int]
    padding: int | tuple[int, int]

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, cin, H, W]`` to ``[B, cout, H / stride, W / stride]``."""
        return F.conv2d(x, self.weight, None, self.stride, self.padding)


class _PlainLinear(nn.Module):
    weight: Tensor
    bias: Tensor | None

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, cin]`` to ``[B, cout]``."""
        return F.linear(x, self.weight, self.bias)


class _Held(nn.Module):
    """The last of a tensor's parametrizations: a parameter with the value that those before it gave."""

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.value = _parameter(value)

    def forward(self, computed: Tensor) -> Tensor:
        """Return the parameter instead of what was ``computed``."""
        return self.value


Weighted = nn.Conv2d | nn.Linear | _PlainConv2d | _PlainLinear
_PLAIN: dict[Callable[..., Any], type[nn.Module]] = {  # by forward pass: a subclass may have its own
    WeightNormConv2d.forward: _PlainConv2d,
    WeightNormLinear.forward: _PlainLinear,
}


def weighted_layers(network: nn.Module) -> list[Weighted]:
    """Return convolutions and linear layers that can learn, each with a parameter ``weight`` that it multiplies by.

    Weights that a layer computes, by weight or spectral norm, a parametrization or a pruning mask, are computed once
    and become parameters in their place: ``network`` maps as before, and its effective weights can be looked at. For
    once per network, before its forward pass.

    Raises:
        ValueError: it has no such layer.
    """
    for module in list(network.modules()):
        _make_plain(module)
    layers = [module for module in network.modules() if isinstance(module, Weighted) and module.weight.requires_grad]
    if not layers:
        raise ValueError(
            "this score looks at the weights of nn.Conv2d and nn.Linear layers that can learn, and the network has none"
        )
    return layers


def _make_plain(module: nn.Module) -> None:
    if isinstance(module, WeightNormConv2d | WeightNormLinear) and type(module).forward in _PLAIN:
        weight, bias = module.plain()
        become(module, _PLAIN[type(module).forward])
        module.weight = _parameter(weight)
        module.bias = None if bias is None else _parameter(bias)
    for key, hook in list(module._forward_pre_hooks.items()):  # PyTorch's older way
        if isinstance(hook, WeightNorm | SpectralNorm | BasePruningMethod):
            hook.remove(module)
            del module._forward_pre_hooks[key]
    if parametrize.is_parametrized(module):
        for name in module.parametrizations:  # type: ignore[union-attr]
            parametrize.register_parametrization(module, name, _Held(getattr(module, name)), unsafe=True)


def _parameter(value: Tensor) -> nn.Parameter:
    return nn.Parameter(value.detach().clone(), requires_grad=value.requires_grad)
