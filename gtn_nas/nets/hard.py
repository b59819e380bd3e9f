"""The piecewise activations of mobile networks, with second derivatives."""

from __future__ import annotations

from torch import Tensor, nn

from gtn_nas.nets.become import become

__all__ = ["Hard"]


class Hard(nn.Module):
    """What an :class:`torch.nn.Hardsigmoid` or an :class:`torch.nn.Hardswish` becomes.

    PyTorch's own kernels have a first derivative alone; this is made of operations that have all.
    """

    @classmethod
    def take(cls, layer: nn.Module) -> None:
        """Make ``layer`` one."""
        become(layer, cls)

    @staticmethod
    def supports(layer: nn.Module) -> bool:
        """Return whether ``layer`` can become one."""
        return type(layer) in (nn.Hardsigmoid, nn.Hardswish)

    def forward(self, x: Tensor) -> Tensor:
        """Return clamp(x / 6 + 1/2, 0, 1), times x for Hardswish."""
        gate = (x / 6 + 0.5).clamp(0, 1)
        return x * gate if isinstance(self, nn.Hardswish) else gate
