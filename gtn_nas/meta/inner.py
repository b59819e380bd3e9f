"""Inner optimisers as pure functions of state, gradient and this step's hyperparameters.

All state is flat tensors and every operation is differentiable, so that one definition serves plain training,
every meta-gradient engine and, through autograd, the exact adjoint of the update.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from gtn_nas.errors import UserError

__all__ = ["INNER_OPTIMISERS", "Adam", "InnerOptimiser", "Momentum", "inner_optimiser"]

State = tuple[Tensor, ...]


class InnerOptimiser(ABC):
    """One update rule; ``hyperparameters`` names what a schedule gives at each step, with initial values."""

    name: ClassVar[str]
    hyperparameters: ClassVar[Mapping[str, float]]

    @abstractmethod
    def initial_state(self, theta: Tensor) -> State:
        """Return the state before the first step for parameters ``theta`` ``[P]``."""

    @abstractmethod
    def update(
        self, theta: Tensor, state: State, gradient: Tensor, hyper: Mapping[str, Tensor]
    ) -> tuple[Tensor, State]:
        """Return parameters and state after one step; ``hyper`` holds scalars."""


class Momentum(InnerOptimiser):
    """SGD with momentum: ``m ← μ·m + g``, ``θ ← θ - lr·m``; zero momentum is plain SGD."""

    name = "momentum"
    hyperparameters: ClassVar[Mapping[str, float]] = {"lr": 0.02, "momentum": 0.5}

    def initial_state(self, theta: Tensor) -> State:
        """Return a zero velocity ``[P]``."""
        return (torch.zeros_like(theta),)

    def update(
        self, theta: Tensor, state: State, gradient: Tensor, hyper: Mapping[str, Tensor]
    ) -> tuple[Tensor, State]:
        """Take one step."""
        velocity = hyper["momentum"] * state[0] + gradient
        return theta - hyper["lr"] * velocity, (velocity,)


class Adam(InnerOptimiser):
    """Adam (Kingma & Ba, 2015) with β₁ and β₂ free to change from step to step.

    The bias corrections are therefore 1 - ∏β instead of 1 - βᵗ; with constant β they are the same. ε stands
    under the root, ``θ ← θ - lr·m̂ / √(v̂ + ε²)``: √v has no derivative at 0, where dead units are.
    """

    name = "adam"
    hyperparameters: ClassVar[Mapping[str, float]] = {"lr": 0.01, "beta1": 0.9, "beta2": 0.95}
    epsilon: ClassVar[float] = 1e-5

    def initial_state(self, theta: Tensor) -> State:
        """Return zero moments ``[P]`` and the products of the βs so far (1)."""
        one = torch.ones((), dtype=theta.dtype, device=theta.device)
        return torch.zeros_like(theta), torch.zeros_like(theta), one, one.clone()

    def update(
        self, theta: Tensor, state: State, gradient: Tensor, hyper: Mapping[str, Tensor]
    ) -> tuple[Tensor, State]:
        """Take one step."""
        first, second, product1, product2 = state
        beta1, beta2 = hyper["beta1"], hyper["beta2"]
        first = beta1 * first + (1 - beta1) * gradient
        second = beta2 * second + (1 - beta2) * gradient * gradient
        product1, product2 = product1 * beta1, product2 * beta2
        scale = torch.rsqrt(second / (1 - product2) + self.epsilon**2)
        theta = theta - (hyper["lr"] / (1 - product1)) * first * scale
        return theta, (first, second, product1, product2)


INNER_OPTIMISERS: dict[str, InnerOptimiser] = {rule.name: rule for rule in (Momentum(), Adam())}


def inner_optimiser(name: str) -> InnerOptimiser:
    """Return the inner optimiser called ``name``.

    Raises:
        UserError: there is none of that name.
    """
    if name not in INNER_OPTIMISERS:
        raise UserError(f"unknown inner optimiser {name!r}; use one of {', '.join(INNER_OPTIMISERS)}.")
    return INNER_OPTIMISERS[name]
