"""In which order a tensor of feature maps lies in memory."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["channels_last", "layout"]


def layout(x: Tensor) -> torch.memory_format:
    """Return the memory format of ``x`` ``[B, C, *]``."""
    return torch.channels_last if x.ndim == 4 and x.stride(1) == 1 else torch.contiguous_format


def channels_last(x: Tensor) -> Tensor:
    """Return ``x`` ``[B, C, H, W]`` in channels-last memory, said so by its strides.

    With one channel, or one pixel, both layouts are the same memory, and oneDNN takes its far slower path
    when the strides do not say "channels last".
    """
    _, channels, height, width = x.shape
    if channels > 1 and height * width > 1:
        return x.contiguous(memory_format=torch.channels_last)
    return x.contiguous().as_strided(x.shape, (channels * height * width, 1, channels * width, channels))
