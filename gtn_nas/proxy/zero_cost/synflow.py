"""Synaptic flow: a score that needs no data."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from gtn_nas.nets.mean_only import MeanOnlyBatchNorm
from gtn_nas.proxy.zero_cost.base import ZeroCost
from gtn_nas.proxy.zero_cost.weights import weighted_layers

__all__ = ["Synflow"]

_NORMALISATIONS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm, nn.LocalResponseNorm, MeanOnlyBatchNorm)


class Synflow(ZeroCost):
    """Logarithm of the sum of ``W · ∂R/∂W``, R what a network of absolute weights makes of an image of ones.

    SynFlow (Tanaka et al., 2020), as a score by Abdelfattah et al. (2021, section 3.2): normalisation layers are
    left out, or they would hide the size of the flow. In double precision: it grows by orders of magnitude
    with every layer, hence the logarithm (of 1 + the sum), which ranks alike. W are effective weights.
    """

    name = "synflow"

    def of(self, network: nn.Module, images: Tensor, labels: Tensor) -> float:
        """Send ones through the network; ``images`` give no more than their shape."""
        layers = weighted_layers(network)
        _leave_out_normalisation(network)
        network.double()
        with torch.no_grad():
            for tensor in (*network.parameters(), *network.buffers()):
                if tensor.is_floating_point():
                    tensor.abs_()
        weights = [layer.weight for layer in layers]
        flow = network(torch.ones_like(images[:1], dtype=torch.float64)).sum()
        slopes = torch.autograd.grad(flow, weights, materialize_grads=True)
        pairs = zip(weights, slopes, strict=True)
        return math.log1p(sum(float((weight.detach() * slope).abs().sum()) for weight, slope in pairs))


def _leave_out_normalisation(network: nn.Module) -> None:
    for module in list(network.modules()):
        for name, child in module._modules.items():  # under all its names, of which named_children() gives the first
            if isinstance(child, _NORMALISATIONS):
                module._modules[name] = nn.Identity()
