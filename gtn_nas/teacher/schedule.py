"""The learned inner schedule: one value of every inner hyperparameter for each inner step."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

__all__ = ["Schedule"]


class Schedule(nn.Module):
    """Hyperparameters in an unconstrained form: learning rates as logarithms, fractions (momenta, βs) as log-odds.

    Args:
        initial: hyperparameter → its value at every step before meta-training.
        steps: inner steps T.
        decay: share of its first value that a learning rate has fallen to, linearly, at the last step.
    """

    def __init__(self, initial: Mapping[str, float], steps: int, decay: float = 1.0) -> None:
        super().__init__()
        fall = torch.linspace(1, decay, steps)
        values = {name: value * (fall if _is_rate(name) else torch.ones(steps)) for name, value in initial.items()}
        raw = {name: _to_raw(name, value) for name, value in values.items()}
        self.raw = nn.ParameterDict({name: nn.Parameter(values) for name, values in raw.items()})

    def forward(self) -> dict[str, Tensor]:
        """Return the hyperparameters, ``[T]`` each."""
        return {name: raw.exp() if _is_rate(name) else raw.sigmoid() for name, raw in self.raw.items()}


def _is_rate(name: str) -> bool:
    return name.startswith("lr")


def _to_raw(name: str, values: Tensor) -> Tensor:
    return values.log() if _is_rate(name) else values.logit()
