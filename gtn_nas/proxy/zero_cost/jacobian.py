"""How differently a network sees different images."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gtn_nas.proxy.zero_cost.base import ZeroCost

__all__ = ["Jacov"]

_TINY = 1e-5


class Jacov(ZeroCost):
    """Eigenvalues of the correlation of images' input gradients (Mellor et al., 2020, first version, section 3).

    The score ``-Σ log(v + k) + 1 / (v + k)``, k = 1e-5, is highest where the gradients of the summed outputs with
    respect to different images are uncorrelated.
    """

    name = "jacov"

    def of(self, network: nn.Module, images: Tensor, labels: Tensor) -> float:
        """Correlate rows of the Jacobian ``[B, C·H·W]``."""
        inputs = images.clone().requires_grad_()
        (jacobian,) = torch.autograd.grad(network(inputs).sum(), inputs)
        values = torch.linalg.eigvalsh(torch.corrcoef(jacobian.flatten(1).double()))
        return -float((torch.log(values + _TINY) + 1 / (values + _TINY)).sum())
