"""FLOPs of operators that a network comes down to and PyTorch has no formula for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import flop_registry

__all__ = ["MORE_FORMULAS"]

_aten = torch.ops.aten


def _lstm(steps: Tensor, of_input: Tensor, of_state: Tensor, *args: Any, **kwargs: Any) -> int:
    """A layer of one direction on ``[T, B, inputs]``, all four gates by the two matrices."""
    return 2 * steps.shape[0] * steps.shape[1] * (of_input.numel() + of_state.numel())


def _bilinear(left: Tensor, weight: Tensor, right: Tensor, *args: Any, out_val: Tensor, **kwargs: Any) -> int:
    """``[B, m]`` by ``[outputs, m, n]`` first, and the result by ``[B, n]``; what nn.Bilinear alone calls."""
    return 2 * (len(left) * weight.numel() + out_val.numel() * right.shape[-1])


# (the operator's arguments, out_val=its result) -> FLOPs, as in flop_registry
MORE_FORMULAS: dict[Any, Callable[..., int]] = {
    _aten.mkldnn_rnn_layer: _lstm,
    _aten._trilinear: _bilinear,
    _aten._scaled_dot_product_flash_attention_for_cpu: flop_registry[_aten._scaled_dot_product_flash_attention],
}
