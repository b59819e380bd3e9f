"""Ending a training that no longer gets better."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import nn

__all__ = ["Patience"]


@dataclass
class Patience:
    """Remembers the best epoch of a training.

    Args:
        network: that is trained.
        measure: its validation accuracy.
        epochs: without a better one, after which the training is to end.
    """

    network: nn.Module
    measure: Callable[[], float]
    epochs: int
    _best: float = -math.inf
    _worse: int = 0
    _state: dict[str, Any] = field(default_factory=dict)

    def over(self) -> bool:
        """Look at the network after one more epoch; whether the training is to end."""
        reached = self.measure()
        if reached > self._best:
            self._best, self._worse = reached, 0
            self._state = copy.deepcopy(self.network.state_dict())
        else:
            self._worse += 1
        return self._worse >= self.epochs

    def restore(self) -> None:
        """Give the network the best epoch's parameters and buffers."""
        if self._state:
            self.network.load_state_dict(self._state)
