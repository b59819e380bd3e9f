"""Inner optimisers against PyTorch's own."""

from __future__ import annotations

import pytest
import torch

from gtn_nas.errors import UserError
from gtn_nas.meta.inner import Adam, inner_optimiser


def follow(rule: str, hyper: dict[str, float], gradients: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
    optimiser, theta = inner_optimiser(rule), start.clone()
    state = optimiser.initial_state(theta)
    values = {name: torch.tensor(value, dtype=theta.dtype) for name, value in hyper.items()}
    for gradient in gradients:
        theta, state = optimiser.update(theta, state, gradient, values)
    return theta


def follow_torch(optimiser_of: object, gradients: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
    theta = torch.nn.Parameter(start.clone())
    optimiser = optimiser_of([theta])
    for gradient in gradients:
        theta.grad = gradient.clone()
        optimiser.step()
    return theta.detach()


@pytest.fixture
def gradients() -> torch.Tensor:
    return torch.randn(7, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_momentum_is_torch_sgd(gradients: torch.Tensor) -> None:
    start = torch.ones(11, dtype=torch.float64)
    expected = follow_torch(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.7), gradients, start)
    assert torch.allclose(follow("momentum", {"lr": 0.1, "momentum": 0.7}, gradients, start), expected, atol=1e-12)


def test_adam_with_constant_betas_is_torch_adam(gradients: torch.Tensor) -> None:
    start = torch.ones(11, dtype=torch.float64)
    expected = follow_torch(lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.8, 0.95), eps=1e-5), gradients, start)
    found = follow("adam", {"lr": 0.1, "beta1": 0.8, "beta2": 0.95}, gradients, start)
    assert torch.allclose(found, expected, atol=1e-5)  # ε stands inside the root


def test_adam_has_finite_derivatives_at_zero_gradient() -> None:
    theta = torch.ones(3, dtype=torch.float64, requires_grad=True)
    gradient = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    hyper = {name: torch.tensor(v, dtype=torch.float64, requires_grad=True) for name, v in Adam.hyperparameters.items()}
    after, _ = Adam().update(theta, Adam().initial_state(theta), gradient, hyper)
    found = torch.autograd.grad(after.sum(), [theta, gradient, *hyper.values()])
    assert all(torch.isfinite(part).all() for part in found)


def test_unknown_name() -> None:
    with pytest.raises(UserError, match="unknown inner optimiser 'lion'; use one of sgd, momentum, nesterov, adam"):
        inner_optimiser("lion")
