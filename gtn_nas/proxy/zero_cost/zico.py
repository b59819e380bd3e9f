"""How steadily gradients point from batch to batch."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gtn_nas.proxy.zero_cost.base import ZeroCost
from gtn_nas.proxy.zero_cost.weights import weighted_layers

__all__ = ["Zico"]


class Zico(ZeroCost):
    """Sum over layers of ``log Σ mean|g| / std g`` over two batches (ZiCo; Li et al., 2023), g of effective weights."""

    name = "zico"

    def of(self, network: nn.Module, images: Tensor, labels: Tensor) -> float:
        """Take the images as two batches."""
        weights = [layer.weight for layer in weighted_layers(network)]
        batches = zip(images.chunk(2), labels.chunk(2), strict=True)
        found = [
            torch.autograd.grad(F.cross_entropy(network(x), y), weights, materialize_grads=True) for x, y in batches
        ]
        total = 0.0
        for layer in zip(*found, strict=True):
            slopes = torch.stack(layer)
            spread = slopes.std(0, correction=0)
            ratio = float((slopes.abs().mean(0)[spread > 0] / spread[spread > 0]).sum())
            total += math.log(ratio) if ratio > 0 else 0.0
        return total
