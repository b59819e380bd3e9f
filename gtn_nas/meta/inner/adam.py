"""Adam, with the formulas of its update and of its adjoint.

With c₁ = 1 - ∏β₁, c₂ = 1 - ∏β₂ (this step's β included),

    m' = β₁·m + (1 - β₁)·g      v' = β₂·v + (1 - β₂)·g²      s = (v'/c₂ + ε²)^(-1/2)      θ' = θ - (lr/c₁)·m'·s.

Given adjoints λ of θ', m', v', ∏β₁ and ∏β₂, with u = s·λ_θ and w = m'·s²·u,

    λ_m' = λ_m - (lr/c₁)·u                    λ_v' = λ_v + ½·(lr/(c₁·c₂))·w
    λ_g  = (1 - β₁)·λ_m' + 2·(1 - β₂)·g·λ_v'  λ_lr = -⟨u, m'⟩/c₁
    λ_c₁ = lr·⟨u, m'⟩/c₁²                     λ_c₂ = -½·lr·⟨w, v'⟩/(c₁·c₂²),

and the adjoints of m, v and the βs follow from the two moving averages and the two products.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from gtn_nas.meta.inner.base import Adjoint, Hyper, InnerOptimiser, State

__all__ = ["EPSILON", "Adam", "adam_adjoint", "adam_advance", "adam_update"]

EPSILON = 1e-5


def adam_update(theta: Tensor, state: State, gradient: Tensor, hyper: Hyper) -> tuple[Tensor, State]:
    """Return θ' ``[P]`` and (m', v', ∏β₁, ∏β₂), differentiably."""
    first, second, product1, product2 = state
    beta1, beta2 = hyper["beta1"], hyper["beta2"]
    first = beta1 * first + (1 - beta1) * gradient
    second = beta2 * second + (1 - beta2) * gradient * gradient
    product1, product2 = product1 * beta1, product2 * beta2
    scale = torch.rsqrt(second / (1 - product2) + EPSILON**2)
    theta = theta - (hyper["lr"] / (1 - product1)) * first * scale
    return theta, (first, second, product1, product2)


def adam_advance(theta: Tensor, state: State, gradient: Tensor, hyper: Hyper) -> tuple[Tensor, State]:
    """Do the same without a graph, in few passes."""
    first, second, product1, product2 = state
    beta1, beta2 = hyper["beta1"], hyper["beta2"]
    first = torch.lerp(first, gradient, 1 - beta1)
    second = (second * beta2).addcmul_(gradient, gradient * (1 - beta2))
    product1, product2 = product1 * beta1, product2 * beta2
    scale = second.div(1 - product2).add_(EPSILON**2).rsqrt_()
    step = scale.mul_(first).mul_(hyper["lr"] / (product1 - 1))
    return step.add_(theta), (first, second, product1, product2)


def adam_adjoint(
    state: State, state_after: State, gradient: Tensor, hyper: Hyper, of_theta: Tensor, of_state: State
) -> tuple[State, Tensor, dict[str, Tensor]]:
    """Return the adjoints of the state, of the gradient ``[P]`` and of the hyperparameters."""
    first, second, product1, product2 = state
    of_first, of_second, of_product1, of_product2 = of_state
    beta1, beta2, rate = hyper["beta1"], hyper["beta2"], hyper["lr"]
    after, square, product1_after, product2_after = state_after
    c1, c2 = 1 - product1_after, 1 - product2_after
    scale = square.div(c2).add_(EPSILON**2).rsqrt_()
    u = scale * of_theta
    w = scale.square_().mul_(after).mul_(u)
    along_first, along_second = torch.dot(u, after), torch.dot(w, square)
    of_first = of_first - u.mul_(rate / c1)
    of_second = of_second + w.mul_(0.5 * rate / (c1 * c2))
    through = gradient * of_second
    of_beta1 = torch.dot(of_first, first) - torch.dot(of_first, gradient)
    of_beta2 = torch.dot(of_second, second) - torch.dot(through, gradient)
    of_gradient = through.mul_(2 * (1 - beta2)).add_(of_first * (1 - beta1))
    # the products' own adjoints, with what reaches them through the bias corrections
    of_product1 = of_product1 - rate * along_first / c1**2
    of_product2 = of_product2 + 0.5 * rate * along_second / (c1 * c2**2)
    of_hyper = {
        "lr": -along_first / c1,
        "beta1": of_beta1 + of_product1 * product1,
        "beta2": of_beta2 + of_product2 * product2,
    }
    of_state = (of_first.mul_(beta1), of_second.mul_(beta2), of_product1 * beta1, of_product2 * beta2)
    return of_state, of_gradient, of_hyper


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
        """Pull adjoints back, by the formulas above."""
        assert gradient is not None
        of_moments, of_gradient, of_hyper = adam_adjoint(state, state_after, gradient, hyper, of_theta, of_state)
        return Adjoint(of_theta, of_moments, of_gradient, of_hyper)
