"""Muon: momentum whose weight matrices are orthogonalised (Jordan et al., 2024), Adam for everything else.

Every singular value of a matrix's update is about one, whatever the layer, its normalisation or its gradient's
size: a few steps take networks of very different kinds equally far, where Adam's one rate suits only some.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from gtn_nas.meta.inner.adam import adam_update
from gtn_nas.meta.inner.base import Hyper, InnerOptimiser, State

__all__ = ["Muon", "orthogonalised"]

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic that drives singular values of 0 to 1 towards 1
_ITERATIONS = 5
_TINY = 1e-7
_WIDE = 8  # columns a row from which iterating on the Gram matrix is quicker (on one core)


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
        self._sizes = [shape.numel() for shape in shapes]
        self._matrices: dict[int, tuple[int, int]] = {}  # place → rows and columns
        self._alike: dict[tuple[int, int], list[int]] = {}  # places by the shorter and the longer side
        self._rest: list[int] = []
        for place, shape in enumerate(shapes):
            if len(shape) > 1:
                self._matrices[place] = sides = shape[0], shape[1:].numel()
                self._alike.setdefault((min(sides), max(sides)), []).append(place)
            else:
                self._rest.append(place)

    def for_shapes(self, shapes: Sequence[torch.Size]) -> InnerOptimiser:
        """Return the rule for parameters of ``shapes``."""
        return Muon(shapes)

    def initial_state(self, theta: Tensor) -> State:
        """Return a zero momentum ``[P]``, zero second moments of the rest, and the products of μ and β₂ so far (1).

        Raises:
            ValueError: the shapes that were given do not hold ``P`` parameters.
        """
        if sum(self._sizes) != len(theta):
            raise ValueError(f"{len(theta)} parameters are not of the shapes that were given; use for_shapes.")
        one = theta.new_ones(())
        rest = sum(self._sizes[place] for place in self._rest)
        return torch.zeros_like(theta), theta.new_zeros(rest), one, one.clone()

    def update(self, theta: Tensor, state: State, gradient: Tensor, hyper: Hyper) -> tuple[Tensor, State]:
        """Take one step."""
        first, second, product1, product2 = state
        mu = hyper["momentum"]
        before, moments, gradients = (vector.split(self._sizes) for vector in (theta, first, gradient))
        momentum = gradient + mu * (first - gradient)  # lerp by a tensor is a slow kernel on a CPU
        ahead = (gradient + mu * (momentum - gradient)).split(self._sizes)
        after = list(before)
        for places in self._alike.values():
            matrices = [_wide(ahead[place].view(self._matrices[place])) for place in places]
            for place, direction in zip(places, orthogonalised(torch.stack(matrices)), strict=True):
                rows, columns = self._matrices[place]
                rate = hyper["lr"] * max(1.0, rows / columns) ** 0.5
                after[place] = before[place] - rate * (direction.mT if rows > columns else direction).flatten()
        if self._rest:
            knobs = {"lr": hyper["lr_rest"], "beta1": mu, "beta2": hyper["beta2"]}
            old, moment, slope = (torch.cat([part[p] for p in self._rest]) for part in (before, moments, gradients))
            new, (_, second, product1, product2) = adam_update(old, (moment, second, product1, product2), slope, knobs)
            for place, part in zip(self._rest, new.split([self._sizes[p] for p in self._rest]), strict=True):
                after[place] = part
        return torch.cat(after), (momentum, second, product1, product2)


def orthogonalised(matrices: Tensor) -> Tensor:
    """Return ``[N, R, C]`` matrices with the same singular vectors and singular values near one, differentiably.

    Newton-Schulz iterations of a quintic that stops short of convergence on purpose: values end between 0.7 and 1.2.
    They are quickest with no more rows than columns.
    """
    norm = (matrices.square().sum((1, 2), keepdim=True) + _TINY**2).sqrt()  # smooth where a gradient is zero
    x = matrices / norm
    rows, columns = x.shape[1:]
    return _iterated_on_the_gram_matrix(x) if columns >= _WIDE * rows else _iterated(x)


def _iterated(x: Tensor) -> Tensor:
    a, b, c = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def _iterated_on_the_gram_matrix(x: Tensor) -> Tensor:
    """Do the same with the long side in two products only: an iteration is x ← q·x, and its matrix g ← q·g·q."""
    a, b, c = _COEFFICIENTS
    gram = x @ x.mT
    identity = a * torch.eye(len(gram[0]), dtype=x.dtype, device=x.device)
    product = factor = identity + torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
    for _ in range(_ITERATIONS - 1):
        gram = factor @ gram @ factor
        factor = identity + torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        product = factor @ product
    return product @ x


def _wide(matrix: Tensor) -> Tensor:
    return matrix.mT if matrix.shape[0] > matrix.shape[1] else matrix
