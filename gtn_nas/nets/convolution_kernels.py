"""Convolutions and their gradients on channels-last tensors, each by the kernel that is fastest for its shape.

The limits were measured on one core with oneDNN (``docs/performance.md``); on CUDA the library chooses by itself.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gtn_nas.nets.layout import channels_last

__all__ = ["Geometry", "Gradients", "convolve", "derive"]

Geometry = tuple[list[int], list[int], list[int], bool, list[int], int]  # stride, padding, dilation, …, groups
Gradients = tuple[Tensor | None, Tensor | None, Tensor | None]

_LARGE_MAP = 400  # output pixels from which a single-channel input gradient is faster as a matrix product


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    """Return ``[B, C', H', W']``."""
    y: Tensor = torch.ops.aten.convolution(channels_last(x), channels_last(weight), bias, *geometry)
    return y


def derive(gradient: Tensor, x: Tensor, weight: Tensor, geometry: Geometry, wanted: list[bool]) -> Gradients:
    """Return the gradients for input, weight and bias that are ``wanted``, from the output's ``gradient``."""
    of_x = of_weight = of_bias = None
    x_wanted, weight_wanted, bias_wanted = wanted
    gradient = channels_last(gradient)
    if x_wanted and _has_quicker_input_gradient(gradient, x, geometry):
        of_x, x_wanted = _single_channel_gradient(gradient, x, weight, geometry[1]), False
    if x_wanted or weight_wanted:
        biases = [len(weight)] if bias_wanted else None
        found = torch.ops.aten.convolution_backward(
            gradient, channels_last(x), channels_last(weight), biases, *geometry, [x_wanted, weight_wanted, bias_wanted]
        )
        of_x = found[0] if x_wanted else of_x
        of_weight, of_bias = found[1:]
    elif bias_wanted:
        of_bias = gradient.sum((0, 2, 3))
    return of_x, of_weight, of_bias


def _has_quicker_input_gradient(gradient: Tensor, x: Tensor, geometry: Geometry) -> bool:
    stride, _, dilation, _, _, groups = geometry
    plain = stride == [1, 1] and dilation == [1, 1] and groups == 1
    pixels = gradient.shape[2] * gradient.shape[3]
    return plain and gradient.device.type == "cpu" and x.shape[1] == 1 and pixels >= _LARGE_MAP


def _single_channel_gradient(gradient: Tensor, x: Tensor, weight: Tensor, padding: list[int]) -> Tensor:
    """Return x̄ ``[B, 1, H, W]``: one matrix product for all taps, whose results are added up shifted."""
    batch, filters, height, width = gradient.shape
    rows, columns = weight.shape[2:]
    taps = torch.mm(weight.reshape(filters, -1).t(), gradient.permute(0, 2, 3, 1).reshape(-1, filters).t())
    taps = taps.view(rows, columns, batch, height, width)
    whole = gradient.new_zeros(batch, height + rows - 1, width + columns - 1)
    for row in range(rows):
        for column in range(columns):
            whole[:, row : row + height, column : column + width] += taps[row, column]
    top, left = padding
    return whole[:, None, top : top + x.shape[2], left : left + x.shape[3]]
