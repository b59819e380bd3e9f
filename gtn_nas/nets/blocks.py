"""Building blocks that search spaces share: activations, normalisation, convolutions, residuals."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["ACTIVATIONS", "NORMALISATIONS", "OPERATORS", "Block", "Pool", "kaiming_init", "make_norm"]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.1),
    "silu": nn.SiLU,
    "gelu": nn.GELU,
}
NORMALISATIONS = ("batch", "group", "none")
_GROUP_WIDTH = 8  # channels per group of GroupNorm; every width of a space is a multiple of it
_EXPANSION = 3


def make_norm(kind: str, channels: int) -> nn.Module:
    """Return batch, group (8 channels a group) or no normalisation of ``channels`` feature maps."""
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    if kind == "group":
        return nn.GroupNorm(max(1, channels // _GROUP_WIDTH), channels)
    return nn.Identity()


class _Branch(nn.Sequential):
    """Convolutions with normalisation after each and an activation between them, none after the last."""

    def __init__(self, layers: list[nn.Conv2d], norm: str, activation: str) -> None:
        modules: list[nn.Module] = []
        for index, layer in enumerate(layers):
            modules += [layer, make_norm(norm, layer.out_channels)]
            if index + 1 < len(layers):
                modules.append(ACTIVATIONS[activation]())
        super().__init__(*modules)


def _conv(cin: int, cout: int, kernel: int, stride: int, bias: bool, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(cin, cout, kernel, stride, padding=kernel // 2, groups=groups, bias=bias)


def _plain(kernel: int) -> Callable[[int, int, int, bool], list[nn.Conv2d]]:
    return lambda cin, cout, stride, bias: [_conv(cin, cout, kernel, stride, bias)]


def _separable(cin: int, cout: int, stride: int, bias: bool) -> list[nn.Conv2d]:
    return [_conv(cin, cin, 3, stride, bias, groups=cin), _conv(cin, cout, 1, 1, bias)]


def _inverted_bottleneck(cin: int, cout: int, stride: int, bias: bool) -> list[nn.Conv2d]:
    hidden = _EXPANSION * cin
    return [
        _conv(cin, hidden, 1, 1, bias),
        _conv(hidden, hidden, 3, stride, bias, groups=hidden),
        _conv(hidden, cout, 1, 1, bias),
    ]


OPERATORS: dict[str, Callable[[int, int, int, bool], list[nn.Conv2d]]] = {
    "conv3": _plain(3),
    "conv5": _plain(5),
    "conv1": _plain(1),
    "separable3": _separable,
    "inverted3": _inverted_bottleneck,
}


class Block(nn.Module):
    """``activation(branch(x) + shortcut(x))``: one operator with its normalisation, the shortcut optional.

    The shortcut has no parameters: average pooling where the branch strides, channels cut or padded with
    zeros where the width changes (option A of He et al., 2016, section 4.2).
    """

    def __init__(
        self, operator: str, cin: int, cout: int, *, stride: int, norm: str, activation: str, residual: bool
    ) -> None:
        super().__init__()
        layers = OPERATORS[operator](cin, cout, stride, norm == "none")
        self.branch = _Branch(layers, norm, activation)
        self.activation = ACTIVATIONS[activation]()
        self.residual = residual
        self.stride = stride
        self.extra = cout - cin

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, cin, H, W]`` to ``[B, cout, ceil(H / stride), ceil(W / stride)]``."""
        y: Tensor = self.branch(x)
        if self.residual:
            y = y + self._shortcut(x)
        out: Tensor = self.activation(y)
        return out

    def _shortcut(self, x: Tensor) -> Tensor:
        if self.stride > 1:
            x = F.avg_pool2d(x, self.stride, ceil_mode=True)
        if self.extra > 0:
            return F.pad(x, (0, 0, 0, 0, 0, self.extra))
        return x[:, : x.shape[1] + self.extra] if self.extra < 0 else x


class Pool(nn.Module):
    """Halve height and width, rounding up, by the maximum or the average of 2×2."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2, ceil_mode=True) if kind == "max" else nn.AvgPool2d(2, ceil_mode=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, C, H, W]`` to ``[B, C, ceil(H / 2), ceil(W / 2)]``."""
        y: Tensor = self.pool(x)
        return y


@torch.no_grad()
def kaiming_init(network: nn.Module) -> None:
    """Initialise for rectifiers (He et al., 2015): √(2/fan_in), output layer √(1/fan_in), biases 0.

    PyTorch's own default shrinks the signal at every layer, so that deep networks without normalisation
    would not train at all.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
