"""The piecewise activations of mobile networks, with second derivatives."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["Hard"]


class Hard(nn.Module):
    """Stands in for an :class:`torch.nn.Hardsigmoid` or an :class:`torch.nn.Hardswish`.

    PyTorch's own kernels have a first derivative alone; this is made of operations that have all.
    """

    def __init__(self, source: nn.Hardsigmoid | nn.Hardswish) -> None:
        super().__init__()
        self._gates = isinstance(source, nn.Hardswish)

    @staticmethod
    def supports(layer: nn.Module) -> bool:
        """Return whether ``layer`` is one that this can stand in for."""
        return type(layer) in (nn.Hardsigmoid, nn.Hardswish)

    def forward(self, x: Tensor) -> Tensor:
        """Return clamp(x / 6 + 1/2, 0, 1), times x for Hardswish."""
        gate = (x / 6 + 0.5).clamp(0, 1)
        return x * gate if self._gates else gate
