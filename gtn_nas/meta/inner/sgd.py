"""Stochastic gradient descent, plain and with two kinds of momentum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from gtn_nas.meta.inner.base import Adjoint, Hyper, InnerOptimiser, State

__all__ = ["SGD", "Momentum", "Nesterov"]


class SGD(InnerOptimiser):
    """Stochastic gradient descent: ``θ ← θ - lr·g``."""

    name = "sgd"
    hyperparameters: ClassVar[Mapping[str, float]] = {"lr": 0.05}

    def initial_state(self, theta: Tensor) -> State:
        """Return nothing: the rule has no memory."""
        return ()

    def update(self, theta: Tensor, state: State, gradient: Tensor, hyper: Hyper) -> tuple[Tensor, State]:
        """Take one step."""
        return theta - hyper["lr"] * gradient, ()


class Momentum(InnerOptimiser):
    """SGD with momentum (Polyak, 1964): ``m ← μ·m + g``, ``θ ← θ - lr·m``."""

    name = "momentum"
    hyperparameters: ClassVar[Mapping[str, float]] = {"lr": 0.02, "momentum": 0.5}
    adjoint_needs_gradient: ClassVar[bool] = False

    def initial_state(self, theta: Tensor) -> State:
        """Return a zero velocity ``[P]``."""
        return (torch.zeros_like(theta),)

    def update(self, theta: Tensor, state: State, gradient: Tensor, hyper: Hyper) -> tuple[Tensor, State]:
        """Take one step."""
        velocity = hyper["momentum"] * state[0] + gradient
        return theta - hyper["lr"] * velocity, (velocity,)

    @torch.no_grad()
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
        """Pull adjoints back; the update being linear, it does not ask for the gradient."""
        of_velocity = of_state[0] - hyper["lr"] * of_theta
        of_hyper = {"lr": -torch.dot(of_theta, state_after[0]), "momentum": torch.dot(of_velocity, state[0])}
        return Adjoint(of_theta, (hyper["momentum"] * of_velocity,), of_velocity, of_hyper)


class Nesterov(InnerOptimiser):
    """SGD with Nesterov's momentum, as ``torch.optim.SGD`` has it: ``θ ← θ - lr·(g + μ·m)``."""

    name = "nesterov"
    hyperparameters: ClassVar[Mapping[str, float]] = {"lr": 0.02, "momentum": 0.5}

    def initial_state(self, theta: Tensor) -> State:
        """Return a zero velocity ``[P]``."""
        return (torch.zeros_like(theta),)

    def update(self, theta: Tensor, state: State, gradient: Tensor, hyper: Hyper) -> tuple[Tensor, State]:
        """Take one step."""
        velocity = hyper["momentum"] * state[0] + gradient
        return theta - hyper["lr"] * (gradient + hyper["momentum"] * velocity), (velocity,)
