"""Inner optimisers against PyTorch's own."""

from __future__ import annotations

import pytest
import torch

from gtn_nas.errors import UserError
from gtn_nas.meta.inner import INNER_OPTIMISERS, Adam, InnerOptimiser, Muon, MuonByLayer, inner_optimiser
from gtn_nas.meta.inner.matrices import Matrices
from gtn_nas.meta.inner.muon import orthogonalised


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
    with pytest.raises(UserError, match="unknown inner optimiser 'lion'; use one of sgd, momentum"):
        inner_optimiser("lion")


@pytest.mark.parametrize("name", INNER_OPTIMISERS)
def test_the_written_out_forms_follow_from_the_definition(name: str) -> None:
    """After some steps, so that no state is zero, with every hyperparameter different from step to step."""
    shapes = [torch.Size([4, 3]), torch.Size([2, 3, 2, 2]), torch.Size([4])]
    rule, rng = inner_optimiser(name).for_shapes(shapes), torch.Generator().manual_seed(0)

    def draw() -> torch.Tensor:
        return torch.randn(40, generator=rng, dtype=torch.float64)

    theta = draw()
    state = rule.initial_state(theta)
    for share in (0.9, 0.8, 0.7):
        hyper = {key: torch.tensor(share * value).double() for key, value in rule.hyperparameters.items()}
        theta, state = rule.update(theta, state, draw(), hyper)
    gradient = draw()
    defined, written = rule.update(theta, state, gradient, hyper), rule.advance(theta, state, gradient, hyper)
    torch.testing.assert_close(written, defined, atol=1e-13, rtol=1e-13)
    adjoints = draw(), tuple(torch.randn(part.shape, generator=rng).double() for part in state)
    arguments = (theta, state, defined[1], gradient, hyper, *adjoints)
    one, two = rule.adjoint(*arguments), InnerOptimiser.adjoint(rule, *arguments)
    for mine, reference in zip(
        (one.theta, *one.state, one.gradient, *(one.hyper[key] for key in hyper)),
        (two.theta, *two.state, two.gradient, *(two.hyper[key] for key in hyper)),
        strict=True,
    ):
        torch.testing.assert_close(mine, reference, atol=1e-12, rtol=1e-11)
    if not rule.adjoint_needs_gradient:
        blind = rule.adjoint(theta, state, defined[1], None, hyper, *adjoints)
        torch.testing.assert_close(blind.gradient, one.gradient, atol=0, rtol=0)


@pytest.mark.parametrize("columns", [8, 60])  # iterated on itself, and on its Gram matrix
def test_orthogonalised_keeps_singular_vectors_and_evens_the_values(columns: int) -> None:
    matrices = torch.randn(3, 5, columns, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    left, values, right = torch.linalg.svd(matrices, full_matrices=False)
    expected = values / values.norm(dim=1, keepdim=True)
    for _ in range(5):
        expected = 3.4445 * expected - 4.7750 * expected**3 + 2.0315 * expected**5
    assert expected.min() > 0.6
    assert expected.max() < 1.3
    torch.testing.assert_close(orthogonalised(matrices), left @ torch.diag_embed(expected) @ right)
    torch.testing.assert_close(orthogonalised(matrices.mT), (left @ torch.diag_embed(expected) @ right).mT)


def test_orthogonalised_has_a_derivative_at_zero() -> None:
    matrices = torch.zeros(1, 3, 4, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(orthogonalised(matrices).sum(), matrices)
    assert torch.isfinite(found).all()


@pytest.mark.parametrize("shape", [(6, 9), (9, 6), (5, 60)])
def test_muon_of_one_matrix_is_torch_muon(shape: tuple[int, int]) -> None:
    steps = torch.randn(4, *shape, generator=torch.Generator().manual_seed(0))
    weight = torch.nn.Parameter(torch.zeros(shape))
    optimiser = torch.optim.Muon([weight], lr=0.1, momentum=0.7, weight_decay=0.0, nesterov=True)
    rule = Muon().for_shapes([torch.Size(shape)])
    theta = torch.zeros(weight.numel())
    state = rule.initial_state(theta)
    hyper = {name: torch.tensor(value) for name, value in {**Muon.hyperparameters, "lr": 0.1, "momentum": 0.7}.items()}
    for step in steps:
        weight.grad = step.clone()
        optimiser.step()
        theta, state = rule.advance(theta, state, step.flatten(), hyper)
    error = (theta - weight.detach().flatten()).norm() / theta.norm()
    assert float(error) < 0.02  # PyTorch iterates in bfloat16


def test_muon_leaves_what_is_no_matrix_to_adam() -> None:
    """Biases and gains; other places of the vector do not matter to them."""
    rng = torch.Generator().manual_seed(0)
    shapes = [torch.Size([4]), torch.Size([3, 5]), torch.Size([18])]
    gradients = torch.randn(5, 37, generator=rng, dtype=torch.float64)
    plain = torch.cat([gradients[:, :4], gradients[:, 19:]], 1)
    start = torch.ones(37, dtype=torch.float64)
    rule = Muon().for_shapes(shapes)
    theta, state = start, rule.initial_state(start)
    values = {"lr": 0.1, "lr_rest": 0.02, "momentum": 0.7, "beta2": 0.9}
    hyper = {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}
    for gradient in gradients:
        theta, state = rule.advance(theta, state, gradient, hyper)
    expected = follow("adam", {"lr": 0.02, "beta1": 0.7, "beta2": 0.9}, plain, torch.ones(22, dtype=torch.float64))
    torch.testing.assert_close(torch.cat([theta[:4], theta[19:]]), expected)


def test_muon_must_know_the_shapes() -> None:
    with pytest.raises(ValueError, match="6 parameters are not of the shapes that were given; use for_shapes"):
        Muon().initial_state(torch.zeros(6))


def test_muon_moves_every_matrix_as_if_it_were_alone() -> None:
    """Matrices of unlike shapes share batches, padded with zeros; some stand upright."""
    shapes = [torch.Size(sides) for sides in [(4, 3), (9, 24), (5,), (24, 9), (10, 30), (24, 8, 3, 3), (3, 200)]]
    matrices = Matrices.of(shapes)
    assert 1 < len(matrices.batches) < 6
    assert any(int(index.max()) == len(matrices.back) for index in matrices.batches)  # padding is among them
    sizes = [shape.numel() for shape in shapes]
    rng = torch.Generator().manual_seed(0)
    gradients = torch.randn(3, sum(sizes), generator=rng, dtype=torch.float64)
    hyper = {name: torch.tensor(value, dtype=torch.float64) for name, value in Muon.hyperparameters.items()}

    def follow_muon(shapes: list[torch.Size], gradients: torch.Tensor) -> torch.Tensor:
        rule, theta = Muon().for_shapes(shapes), torch.zeros(gradients.shape[1], dtype=torch.float64)
        state = rule.initial_state(theta)
        for gradient in gradients:
            theta, state = rule.update(theta, state, gradient, hyper)
        return theta

    alone = [follow_muon([shape], part) for shape, part in zip(shapes, gradients.split(sizes, 1), strict=True)]
    torch.testing.assert_close(follow_muon(shapes, gradients), torch.cat(alone))


def test_muon_by_layer_has_a_rate_for_the_first_and_for_the_last_matrix() -> None:
    shapes = [torch.Size(sides) for sides in [(4, 3), (5,), (9, 24), (9, 20), (24, 9)]]  # batches mix the layers
    sizes = [shape.numel() for shape in shapes]
    gradients = torch.randn(3, sum(sizes), generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def follow_rule(rule: InnerOptimiser, **rates: float) -> list[torch.Tensor]:
        rule, theta = rule.for_shapes(shapes), torch.zeros(sum(sizes), dtype=torch.float64)
        values = {**rule.hyperparameters, **rates}
        hyper, state = {name: torch.tensor(value).double() for name, value in values.items()}, rule.initial_state(theta)
        for gradient in gradients:
            theta, state = rule.advance(theta, state, gradient, hyper)
        return list(theta.split(sizes))

    found = follow_rule(MuonByLayer(), lr_first=0.1, lr=0.2, lr_last=0.3)
    one, two, three = (follow_rule(Muon(), lr=rate) for rate in (0.1, 0.2, 0.3))
    torch.testing.assert_close(found, [one[0], one[1], two[2], two[3], three[4]])
    alone = MuonByLayer().for_shapes([torch.Size([2, 2])])
    hyper = {name: torch.tensor(value) for name, value in {**alone.hyperparameters, "lr_last": 0.0}.items()}
    theta = torch.ones(4)
    assert alone.advance(theta, alone.initial_state(theta), torch.ones(4), hyper)[0].equal(theta)


def test_a_chosen_rate_is_that_of_all_matrices() -> None:
    assert {name: rate for name, rate in MuonByLayer().begun_at(0.3).items() if rate == 0.3}.keys() == {
        "lr",
        "lr_first",
        "lr_last",
    }
    assert Muon().begun_at(0.3) == {**Muon.hyperparameters, "lr": 0.3}
