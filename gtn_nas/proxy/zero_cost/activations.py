"""Which units are active for which images."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gtn_nas.proxy.zero_cost.base import ZeroCost

__all__ = ["Nwot"]

_RECTIFIERS: tuple[type[nn.Module], ...] = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.CELU, nn.SELU,
    nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish, nn.Softplus,
)  # fmt: skip
_RIDGE = 1e-3  # units: keeps the score finite where two images activate the very same ones


class Nwot(ZeroCost):
    """Log-determinant of the kernel of activation codes (NAS without training; Mellor et al., 2021, section 3).

    Two images' kernel value is the number of units that are on for both or off for both. A unit is on where what
    enters its rectifier is positive; of smooth rectifiers as well. Networks whose rectifiers are functions instead
    of modules cannot be scored.
    """

    name = "nwot"

    def of(self, network: nn.Module, images: Tensor, labels: Tensor) -> float:
        """Add the kernels ``[B, B]`` of all rectifiers.

        Raises:
            ValueError: the network has no rectifier module.
        """
        kernel = torch.zeros(len(images), len(images), dtype=torch.float64, device=images.device)

        def add(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            on = (inputs[0].flatten(1) > 0).float()
            kernel.add_(on @ on.T + (1 - on) @ (1 - on).T)

        rectifiers = [module for module in network.modules() if isinstance(module, _RECTIFIERS)]
        if not rectifiers:
            raise ValueError("nwot looks at rectifier modules such as nn.ReLU, and this network has none")
        for module in rectifiers:
            module.register_forward_pre_hook(add)
        with torch.no_grad():
            network(images)
        kernel.diagonal().add_(_RIDGE)
        return float(torch.linalg.slogdet(kernel).logabsdet)
