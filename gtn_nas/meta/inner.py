"""Inner optimisers: one differentiable update rule each, with its fast forward and its adjoint written out.

``update`` is the definition, made of differentiable operations on flat tensors. ``advance`` computes the same
numbers without a graph, and ``adjoint`` the vector-Jacobian product of the update; both follow from the
definition unless a rule spells them out, which saves most of the memory traffic.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gtn_nas.errors import UserError
from gtn_nas.meta.adam import adam_adjoint, adam_advance, adam_update

__all__ = [
    "INNER_OPTIMISERS",
    "SGD",
    "Adam",
    "Adjoint",
    "Hyper",
    "InnerOptimiser",
    "Momentum",
    "Nesterov",
    "State",
    "inner_optimiser",
]

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
    adjoint_needs_gradient: ClassVar[bool] = True

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


class Adam(InnerOptimiser):
    """Adam (Kingma & Ba, 2015) with β₁ and β₂ free to change from step to step.

    The bias corrections are therefore 1 - ∏β instead of 1 - βᵗ; with constant β they are the same. ε stands
    under the root, ``θ ← θ - lr·m̂ / √(v̂ + ε²)``: √v has no derivative at 0, where dead units are.
    """

    name = "adam"
    hyperparameters: ClassVar[Mapping[str, float]] = {"lr": 0.002, "beta1": 0.9, "beta2": 0.95}

    def initial_state(self, theta: Tensor) -> State:
        """Return zero moments ``[P]`` and the products of the βs so far (1)."""
        one = torch.ones((), dtype=theta.dtype, device=theta.device)
        return torch.zeros_like(theta), torch.zeros_like(theta), one, one.clone()

    def update(self, theta: Tensor, state: State, gradient: Tensor, hyper: Hyper) -> tuple[Tensor, State]:
        """Take one step."""
        return adam_update(theta, state, gradient, hyper)

    @torch.no_grad()
    def advance(self, theta: Tensor, state: State, gradient: Tensor, hyper: Hyper) -> tuple[Tensor, State]:
        """Take one step in six passes over the parameters."""
        return adam_advance(theta, state, gradient, hyper)

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
        """Pull adjoints back, by the formulas of :mod:`gtn_nas.meta.adam`."""
        assert gradient is not None
        of_moments, of_gradient, of_hyper = adam_adjoint(state, state_after, gradient, hyper, of_theta, of_state)
        return Adjoint(of_theta, of_moments, of_gradient, of_hyper)


INNER_OPTIMISERS: dict[str, InnerOptimiser] = {rule.name: rule for rule in (SGD(), Momentum(), Nesterov(), Adam())}


def inner_optimiser(name: str) -> InnerOptimiser:
    """Return the inner optimiser called ``name``.

    Raises:
        UserError: there is none of that name.
    """
    if name not in INNER_OPTIMISERS:
        raise UserError(f"unknown inner optimiser {name!r}; use one of {', '.join(INNER_OPTIMISERS)}.")
    return INNER_OPTIMISERS[name]
