"""Attacks: small changes that raise the loss on purpose, the model and the labels being known.

``fgsm`` and ``pgd`` are the standard ones, their ε a share of the way from black to white (a pixel from 0 to 1). The
other two are what Willisk's fork of Such et al.'s code ran under the names "FGSM" and "LBFGS", in normalised units,
whose valid range is 3.25 wide for MNIST.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gtn_nas.robustness.subject import Subject, check_strength

__all__ = ["fgsm", "iterated_fgsm", "penalised_fgsm", "pgd"]

_ITERATIONS = 30  # of the fork's attacks
_PENALISED_STEP = 0.02  # normalised units
_PGD_STEPS = 40
_PGD_REACH = 2.5  # how often all steps together could cross the ball's radius


def fgsm(subject: Subject, strength: float, rng: torch.Generator) -> Tensor:
    """Take one step of ``strength`` (pixels from 0 to 1) along the gradient's sign (Goodfellow et al., 2015).

    x + ε·sign(∇CE(x)), clamped. Nothing is drawn.
    """
    check_strength("fgsm", strength)
    step = subject.valid.pixels(strength) * subject.slope(subject.images).sign()
    return subject.valid.clamp(subject.images + step)


def pgd(subject: Subject, strength: float, rng: torch.Generator, steps: int = _PGD_STEPS) -> Tensor:
    """Ascend within the L∞ ball of radius ``strength`` (pixels from 0 to 1) around the images (Madry et al., 2018).

    From a random point of the ball: x ← clamp(project(x + α·sign(∇CE(x)))) with α = 2.5 ε/steps, forty times.
    """
    check_strength("pgd", strength)
    if strength == 0:
        return subject.images  # the ball is a point, and forty steps stay there
    images, radius = subject.images, subject.valid.pixels(strength)
    low, high = (subject.valid.clamp(images + side * radius) for side in (-1, 1))
    start = torch.rand(images.shape, generator=rng, dtype=images.dtype).to(images.device)
    attacked = torch.lerp(low, high, start)
    for _ in range(steps):
        moved = attacked + _PGD_REACH / steps * radius * subject.slope(attacked).sign()
        attacked = torch.minimum(torch.maximum(moved, low), high)
    return attacked


def iterated_fgsm(subject: Subject, strength: float, rng: torch.Generator, steps: int = _ITERATIONS) -> Tensor:
    """Take thirty steps of ``strength`` (normalised units) along the gradient's sign, clamped after each.

    The fork calls it FGSM. It is that step repeated (Kurakin et al., 2017), without their bound on the whole way:
    an image may move by thirty times the strength. Nothing is drawn.
    """
    check_strength("iterated_fgsm", strength)
    attacked = subject.images
    for _ in range(steps):
        attacked = subject.valid.clamp(attacked + strength * subject.slope(attacked).sign())
    return attacked


def penalised_fgsm(subject: Subject, strength: float, rng: torch.Generator, steps: int = _ITERATIONS) -> Tensor:
    """Take thirty steps of 0.02 (normalised units) along the sign of ∇[CE(x) - ‖x - x₀‖₂/strength], clamped.

    The fork calls it LBFGS: it has a penalty on the way gone in common with the attack of Szegedy et al. (2014), and
    nothing with the optimiser L-BFGS. CE is the batch's mean and the norm that of the whole batch, so that images
    answer for one another, and a batch of another size is another attack. The stronger, the less the penalty
    weighs; without it this is ``iterated_fgsm`` at 0.02. Nothing is drawn.
    """
    check_strength("penalised_fgsm", strength, positive=True)
    attacked = subject.images

    def penalty(images: Tensor) -> Tensor:
        distance: Tensor = torch.linalg.vector_norm(images - subject.images)
        return distance / strength

    for _ in range(steps):
        gradient = subject.slope(attacked, penalty)
        attacked = subject.valid.clamp(attacked + _PENALISED_STEP * gradient.sign())
    return attacked
