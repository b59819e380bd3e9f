"""What an inner optimiser is: one differentiable update rule, with its fast forward and its adjoint.

``update`` is the definition, made of differentiable operations on flat tensors. ``advance`` computes the same
numbers without a graph, and ``adjoint`` the vector-Jacobian product of the update; both follow from the
definition unless a rule spells them out, which saves most of the memory traffic.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

__all__ = ["Adjoint", "Hyper", "InnerOptimiser", "State"]

State = tuple[Tensor, ...]
Hyper = Mapping[str, Tensor]


@dataclass(frozen=True)
class Adjoint:
    """Adjoints of what an update took in: parameters ``[P]``, state, gradient ``[P]`` and hyperparameters."""

    theta: Tensor
    state: State
    gradient: Tensor
    hyper: dict[str, Tensor]


class InnerOptimiser(ABC):
    """One update rule; ``hyperparameters`` names what a schedule gives at each step, with initial values."""

    name: ClassVar[str]
    hyperparameters: ClassVar[Mapping[str, float]]
    decay: ClassVar[float] = 1.0  # share of the first learning rate that is best left at the last step
    adjoint_needs_gradient: ClassVar[bool] = True

    def for_shapes(self, shapes: Sequence[torch.Size]) -> InnerOptimiser:
        """Return the rule for a learner whose parameters have ``shapes``, in the order of the flat vector."""
        return self

    def begun_at(self, rate: float) -> dict[str, float]:
        """Return the hyperparameters with ``rate`` for the learning rate, before a schedule learns."""
        return {**self.hyperparameters, "lr": rate}

    @abstractmethod
    def initial_state(self, theta: Tensor) -> State:
        """Return the state before the first step for parameters ``theta`` ``[P]``."""

    @abstractmethod
    def update(self, theta: Tensor, state: State, gradient: Tensor, hyper: Hyper) -> tuple[Tensor, State]:
        """Return parameters and state after one step; ``hyper`` holds scalars."""

    @torch.no_grad()
    def advance(self, theta: Tensor, state: State, gradient: Tensor, hyper: Hyper) -> tuple[Tensor, State]:
        """Return what :meth:`update` returns, to rounding, without a graph."""
        return self.update(theta, state, gradient, hyper)

    def adjoint(
        self,
        theta: Tensor,
        state: State,
        state_after: State,
        gradient: Tensor | None,
        hyper: Hyper,
        of_theta: Tensor,
        of_state: State,
    ) -> Adjoint:
        """Pull the adjoints of an update's results back to its arguments; ``gradient`` is None where not needed."""
        assert gradient is not None
        with torch.enable_grad():
            leaves = [part.detach().requires_grad_() for part in (theta, *state, gradient, *hyper.values())]
            count = 1 + len(state)
            knobs = dict(zip(hyper, leaves[count + 1 :], strict=True))
            after, ended = self.update(leaves[0], tuple(leaves[1:count]), leaves[count], knobs)
            found = torch.autograd.grad((after, *ended), leaves, (of_theta, *of_state), materialize_grads=True)
        return Adjoint(found[0], found[1:count], found[count], dict(zip(hyper, found[count + 1 :], strict=True)))
