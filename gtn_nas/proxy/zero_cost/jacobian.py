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
    respect to different images are uncorrelated. Constant gradients, whose correlation is not defined, count as equal:
    a network that cuts its input off has the lowest score, that of the eigenvalues B, 0, …, 0.
    """

    name = "jacov"

    def of(self, network: nn.Module, images: Tensor, labels: Tensor) -> float:
        """Correlate rows of the Jacobian ``[B, C·H·W]``."""
        inputs = images.clone().requires_grad_()
        (jacobian,) = torch.autograd.grad(network(inputs).sum(), inputs, materialize_grads=True)
        values = torch.linalg.eigvalsh(_correlation(jacobian.flatten(1).double()))
        return -float((torch.log(values + _TINY) + 1 / (values + _TINY)).sum())


def _correlation(rows: Tensor) -> Tensor:
    """Return the correlation ``[B, B]`` of rows: of two constant ones 1, of a constant one and another 0."""
    constant = (rows == rows[:, :1]).all(1)
    either = constant[:, None] | constant
    return torch.where(either, (constant[:, None] & constant).double(), torch.corrcoef(rows))
