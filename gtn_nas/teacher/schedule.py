"""The learned inner schedule: one value of every inner hyperparameter for each inner step."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

__all__ = ["Schedule"]


class Schedule(nn.Module):
    """Hyperparameters in an unconstrained form: learning rates as logarithms, fractions (momenta, βs) as log-odds.

    Args:
        initial: hyperparameter → its value at every step before meta-training.
        steps: inner steps T.
    """

    def __init__(self, initial: Mapping[str, float], steps: int) -> None:
        super().__init__()
        raw = {name: torch.full((steps,), _to_raw(name, value)) for name, value in initial.items()}
        self.raw = nn.ParameterDict({name: nn.Parameter(values) for name, values in raw.items()})

    def forward(self) -> dict[str, Tensor]:
        """Return the hyperparameters, ``[T]`` each."""
        return {name: raw.exp() if _is_rate(name) else raw.sigmoid() for name, raw in self.raw.items()}


def _is_rate(name: str) -> bool:
    return name == "lr"


def _to_raw(name: str, value: float) -> float:
    return math.log(value) if _is_rate(name) else math.log(value / (1 - value))
