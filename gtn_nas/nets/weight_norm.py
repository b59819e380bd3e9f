"""Weight-normalised layers, written out so that every derivative exists."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["WeightNormConv2d", "WeightNormLinear"]


class WeightNormConv2d(nn.Module):
    """A convolution with weight ``g·v/‖v‖`` per output channel (Salimans & Kingma, 2016), without bias."""

    def __init__(
        self,
        cin: int,
        cout: int,
        kernel: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | None = None,
    ) -> None:
        super().__init__()
        rows, columns = (kernel, kernel) if isinstance(kernel, int) else kernel
        self.direction = nn.Parameter(torch.empty(cout, cin, rows, columns))
        self.gain = nn.Parameter(torch.ones(cout))
        self.stride, self.padding = stride, (rows // 2, columns // 2) if padding is None else padding
        nn.init.kaiming_normal_(self.direction)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, cin, H, W]`` to ``[B, cout, H / stride, W / stride]``."""
        weight, bias = self.plain()
        return F.conv2d(x, weight, bias, self.stride, self.padding)

    def plain(self) -> tuple[Tensor, None]:
        """Return weight ``[cout, cin, kernel, kernel]`` and bias of the plain convolution that maps alike."""
        scale = self.gain / self.direction.flatten(1).norm(dim=1)
        return self.direction * scale.view(-1, 1, 1, 1), None


class WeightNormLinear(nn.Module):
    """``(x·vᵀ + b)·g/‖v‖``: the published GTN scales the bias with the weight."""

    def __init__(self, cin: int, cout: int, bias: bool = True) -> None:
        super().__init__()
        self.direction = nn.Parameter(torch.empty(cout, cin))
        self.gain = nn.Parameter(torch.ones(cout))
        self.bias = nn.Parameter(torch.zeros(cout)) if bias else None
        nn.init.kaiming_normal_(self.direction)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, cin]`` to ``[B, cout]``."""
        y: Tensor = F.linear(x, self.direction, self.bias) * self._scale()
        return y

    def plain(self) -> tuple[Tensor, Tensor | None]:
        """Return weight ``[cout, cin]`` and bias ``[cout]`` of the plain layer that maps alike."""
        scale = self._scale()
        return self.direction * scale[:, None], None if self.bias is None else self.bias * scale

    def _scale(self) -> Tensor:
        scale: Tensor = self.gain / self.direction.norm(dim=1)
        return scale
