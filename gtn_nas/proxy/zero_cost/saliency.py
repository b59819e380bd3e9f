"""How much the loss depends on weights or channels: measures for pruning, summed over a whole network.

That they can serve as scores of architectures was shown by Abdelfattah et al. (2021, "Zero-Cost Proxies for
Lightweight NAS", section 3). Weights are the effective ones: what weight normalisation makes of its parameters, say.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gtn_nas.proxy.zero_cost.base import ZeroCost
from gtn_nas.proxy.zero_cost.weights import weighted_layers

__all__ = ["Fisher", "GradNorm", "Grasp", "Snip"]


def _gradients(
    network: nn.Module, images: Tensor, labels: Tensor, *, twice: bool = False
) -> list[tuple[Tensor, Tensor]]:
    """Return each layer's weights with the cross-entropy's gradient, without those that the loss does not depend on."""
    weights = [layer.weight for layer in weighted_layers(network)]
    loss = F.cross_entropy(network(images), labels)
    slopes = torch.autograd.grad(loss, weights, create_graph=twice, allow_unused=True)
    return [(weight, slope) for weight, slope in zip(weights, slopes, strict=True) if slope is not None]


class GradNorm(ZeroCost):
    """Sum over layers of the gradient's Euclidean norm (Abdelfattah et al., 2021, section 3.1)."""

    name = "grad_norm"

    def of(self, network: nn.Module, images: Tensor, labels: Tensor) -> float:
        """Sum ``‖∂L/∂W‖``."""
        return sum(float(slope.norm()) for _, slope in _gradients(network, images, labels))


class Snip(ZeroCost):
    """Sum over weights of ``|W · ∂L/∂W|`` (SNIP; Lee et al., 2019)."""

    name = "snip"

    def of(self, network: nn.Module, images: Tensor, labels: Tensor) -> float:
        """Sum the connection sensitivities."""
        pairs = _gradients(network, images, labels)
        return sum(float((weight.detach() * slope).abs().sum()) for weight, slope in pairs)


class Grasp(ZeroCost):
    """Sum over weights of ``-W · H g``: what pruning them would do to the gradient flow (GraSP; Wang et al., 2020)."""

    name = "grasp"

    def of(self, network: nn.Module, images: Tensor, labels: Tensor) -> float:
        """Differentiate the squared gradient norm once more; one batch, no temperature."""
        pairs = _gradients(network, images, labels, twice=True)
        if not pairs:
            return 0.0
        weights, gradients = zip(*pairs, strict=True)
        flow = torch.stack([(g.detach() * g).sum() for g in gradients]).sum()
        products = torch.autograd.grad(flow, weights, materialize_grads=True)
        return -sum(float((weight.detach() * product).sum()) for weight, product in zip(weights, products, strict=True))


class Fisher(ZeroCost):
    """Fisher information of channels: half the mean of ``(Σ a · ∂L/∂a)²`` (Theis et al., 2018; Turner et al., 2020).

    a: the outputs of convolutions and linear layers, summed over positions; the mean is over images, and the
    score the sum over channels and layers.
    """

    name = "fisher"

    def of(self, network: nn.Module, images: Tensor, labels: Tensor) -> float:
        """Sum over all channels."""
        outputs: list[Tensor] = []

        def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            outputs.append(output)
            return output.clone()  # a rectifier in place would overwrite what was kept

        for layer in weighted_layers(network):
            layer.register_forward_hook(keep)
        loss = F.cross_entropy(network(images), labels)
        slopes = torch.autograd.grad(loss, outputs, materialize_grads=True)
        total = 0.0
        for output, slope in zip((part.detach() for part in outputs), slopes, strict=True):
            channels = (output * slope).flatten(2).sum(2) if output.ndim == 4 else output * slope
            # The loss is a mean over images, and so are these slopes: the published scores keep their 1/B.
            total += float(channels.square().mean(0).sum()) / 2
        return total
