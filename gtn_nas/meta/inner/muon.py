"""Muon: momentum whose weight matrices are orthogonalised (Jordan et al., 2024), Adam for everything else.

Every singular value of a matrix's update is about one, whatever the layer, its normalisation or its gradient's
size: a few steps take networks of very different kinds equally far, where Adam's one rate suits only some.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from gtn_nas.meta.inner.adam import adam_advance, adam_update
from gtn_nas.meta.inner.base import Hyper, InnerOptimiser, State
from gtn_nas.meta.inner.matrices import WIDE, Matrices

__all__ = ["Muon", "MuonByLayer", "orthogonalised"]

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic that drives singular values of 0 to 1 towards 1
_ITERATIONS = 5
_TINY = 1e-7

Rule = Callable[[Tensor, State, Tensor, Hyper], tuple[Tensor, State]]


class Muon(InnerOptimiser):
    """Muon for matrices, with Nesterov's momentum μ: ``m ← μ·m + (1-μ)·g``, ``W ← W - lr·√max(1, rows/columns)·O``.

    O is :func:`orthogonalised` of ``(1-μ)·g + μ·m``. A convolution's weights are a matrix of its filters. What is
    no matrix (biases, gains) learns by Adam at ``lr_rest`` with β₁ = μ.

    Args:
        shapes: of the parameters, in the order of the flat vector; :meth:`for_shapes` gives them.
    """

    name = "muon"
    hyperparameters: ClassVar[Mapping[str, float]] = {"lr": 0.05, "lr_rest": 0.01, "momentum": 0.6, "beta2": 0.95}
    decay: ClassVar[float] = 0.1

    def __init__(self, shapes: Sequence[torch.Size] = ()) -> None:
        self._size = sum(shape.numel() for shape in shapes)
        self._last = sum(len(shape) > 1 for shape in shapes) - 1
        self._matrices = {torch.device("cpu"): Matrices.of(shapes)}

    def for_shapes(self, shapes: Sequence[torch.Size]) -> InnerOptimiser:
        """Return the rule for parameters of ``shapes``."""
        return type(self)(shapes)

    def initial_state(self, theta: Tensor) -> State:
        """Return a zero momentum ``[P]``, zero second moments of the rest, and the products of μ and β₂ so far (1).

        Raises:
            ValueError: the shapes that were given do not hold ``P`` parameters.
        """
        if self._size != len(theta):
            raise ValueError(f"{len(theta)} parameters are not of the shapes that were given; use for_shapes.")
        one = theta.new_ones(())
        return torch.zeros_like(theta), theta.new_zeros(len(self._on(theta.device).rest)), one, one.clone()

    def update(self, theta: Tensor, state: State, gradient: Tensor, hyper: Hyper) -> tuple[Tensor, State]:
        """Take one step."""
        return self._step(adam_update, theta, state, gradient, hyper)

    @torch.no_grad()
    def advance(self, theta: Tensor, state: State, gradient: Tensor, hyper: Hyper) -> tuple[Tensor, State]:
        """Take one step, Adam's part in few passes."""
        return self._step(adam_advance, theta, state, gradient, hyper)

    def _step(self, adam: Rule, theta: Tensor, state: State, gradient: Tensor, hyper: Hyper) -> tuple[Tensor, State]:
        first, second, product1, product2 = state
        mu, matrices = hyper["momentum"], self._on(theta.device)
        momentum = gradient + mu * (first - gradient)  # lerp by a tensor is a slow kernel on a CPU
        ahead = torch.cat([gradient + mu * (momentum - gradient), gradient.new_zeros(1)])  # the padding's zero
        moves = []
        for index, order, growth in zip(matrices.batches, matrices.order, matrices.growth, strict=True):
            direction = orthogonalised(_gathered(ahead, index).view(index.shape))
            moves.append((growth.to(theta.dtype) * -self._rate(hyper, order) * direction).flatten())
        if len(matrices.rest):
            knobs = {"lr": hyper["lr_rest"], "beta1": mu, "beta2": hyper["beta2"]}
            moment, slope = _gathered(first, matrices.rest), _gathered(gradient, matrices.rest)
            moments = (moment, second, product1, product2)
            move, (_, second, product1, product2) = adam(torch.zeros_like(slope), moments, slope, knobs)
            moves.append(move)
        after = theta + _gathered(torch.cat(moves), matrices.back)
        return after, (momentum, second, product1, product2)

    def _rate(self, hyper: Hyper, order: Tensor) -> Tensor:
        """Return the rate of the matrices that ``order`` ``[N, 1, 1]`` names, of a shape that broadcasts to it."""
        return hyper["lr"]

    def _on(self, device: torch.device) -> Matrices:
        if device not in self._matrices:
            self._matrices[device] = self._matrices[torch.device("cpu")].to(device)
        return self._matrices[device]


class MuonByLayer(Muon):
    """Muon with rates by layer: ``lr_first`` for the first matrix, ``lr_last`` for the last, ``lr`` between.

    Layers stand in the order in which the network registers them. What sees the images and what says the classes
    want other rates than what is hidden between them (Yang et al., 2022). A sole matrix is the last.
    """

    name = "muon_by_layer"
    hyperparameters: ClassVar[Mapping[str, float]] = {"lr_first": 0.05, "lr_last": 0.05, **Muon.hyperparameters}

    def begun_at(self, rate: float) -> dict[str, float]:
        """Return the hyperparameters with ``rate`` for all matrices."""
        return {**super().begun_at(rate), "lr_first": rate, "lr_last": rate}

    def _rate(self, hyper: Hyper, order: Tensor) -> Tensor:
        outer = torch.where(order == self._last, hyper["lr_last"], hyper["lr_first"])
        return torch.where((order > 0) & (order < self._last), hyper["lr"], outer)


def orthogonalised(matrices: Tensor) -> Tensor:
    """Return ``[N, R, C]`` matrices with the same singular vectors and singular values near one, differentiably.

    Newton-Schulz iterations of a quintic that stops short of convergence on purpose: values end between 0.7 and 1.2.
    They are quickest with no more rows than columns.
    """
    norm = (matrices.square().sum((1, 2), keepdim=True) + _TINY**2).sqrt()  # smooth where a gradient is zero
    x = matrices / norm
    rows, columns = x.shape[1:]
    return _iterated_on_the_gram_matrix(x) if columns >= WIDE * rows else _iterated(x)


def _iterated(x: Tensor) -> Tensor:
    a, b, c = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        gram = torch.bmm(x, x.mT)  # x @ x.mT takes twice as long for small ones
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def _iterated_on_the_gram_matrix(x: Tensor) -> Tensor:
    """Do the same with the long side in two products only: an iteration is x ← q·x, and its matrix g ← q·g·q."""
    a, b, c = _COEFFICIENTS
    gram = torch.bmm(x, x.mT)
    identity = a * torch.eye(len(gram[0]), dtype=x.dtype, device=x.device)
    product = factor = identity + torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
    for _ in range(_ITERATIONS - 1):
        gram = torch.bmm(torch.bmm(factor, gram), factor)
        factor = identity + torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        product = torch.bmm(factor, product)
    return torch.bmm(product, x)


def _gathered(vector: Tensor, index: Tensor) -> Tensor:
    return vector.index_select(0, index.flatten())  # several times as quick as vector[index]
