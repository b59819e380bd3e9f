"""Where an inner loop came through: parameters and optimiser state before every step."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gtn_nas.meta.inner import Adjoint, Hyper, InnerOptimiser, State

__all__ = ["Trajectory", "is_finite"]


class Trajectory:
    """Parameters and optimiser states of steps ``start`` to ``stop``, the last one included.

    They lie in one block of memory each, ``[stop - start + 1, …]``: as single tensors among the short-lived ones
    of the steps they would fragment the heap. Before ``start`` only the present state is kept.
    """

    def __init__(self, rule: InnerOptimiser, theta: Tensor, start: int, stop: int) -> None:
        self.rule, self.start = rule, start
        rows = stop - start + 1
        self._parts = [part.new_empty(rows, *part.shape) for part in (theta, *rule.initial_state(theta))]
        for block, part in zip(self._parts, (theta, *rule.initial_state(theta)), strict=True):
            block[0] = part
        self._gradients = theta.new_empty(rows - 1, *theta.shape) if rule.adjoint_needs_gradient else None

    def theta(self, number: int) -> Tensor:
        """Return the parameters ``[P]`` before step ``number``."""
        return self._parts[0][self._row(number)]

    def state(self, number: int) -> State:
        """Return the optimiser's state before step ``number``."""
        row = self._row(number)
        return tuple(block[row] for block in self._parts[1:])

    @torch.no_grad()
    def advance(self, number: int, gradient: Tensor, hyper: Hyper) -> Tensor | None:
        """Take step ``number``; return the parameters ``[P]`` after it, None if anything would not be finite."""
        theta, state = self.rule.advance(self.theta(number), self.state(number), gradient, hyper)
        if not all(is_finite(part) for part in (theta, *state)):
            return None
        row = self._row(number + 1)
        for block, part in zip(self._parts, (theta, *state), strict=True):
            block[row] = part
        if self._gradients is not None and number >= self.start:
            self._gradients[number - self.start] = gradient
        return self._parts[0][row]

    def adjoint(self, number: int, hyper: Hyper, of_theta: Tensor, of_state: State) -> Adjoint:
        """Pull the adjoints of what step ``number`` led to back to what it took in."""
        of_state = of_state or tuple(torch.zeros_like(part) for part in self.state(number))
        gradient = None if self._gradients is None else self._gradients[number - self.start]
        return self.rule.adjoint(
            self.theta(number), self.state(number), self.state(number + 1), gradient, hyper, of_theta, of_state
        )

    def _row(self, number: int) -> int:
        return max(0, number - self.start)


def is_finite(vector: Tensor) -> bool:
    """Return whether the squared norm is finite: one pass, nothing allocated."""
    flat = vector.detach().reshape(-1)
    return math.isfinite(float(torch.dot(flat, flat)))
