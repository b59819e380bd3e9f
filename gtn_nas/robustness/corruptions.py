"""Corruptions: what happens to images by accident."""

from __future__ import annotations

import torch
from torch import Tensor

from gtn_nas.robustness.subject import Subject, check_strength

__all__ = ["blur", "noise"]

_TRUNCATE = 3.5  # deviations of the Gaussian that its kernel reaches, to either side


def noise(subject: Subject, strength: float, rng: torch.Generator) -> Tensor:
    """Add Gaussian noise of deviation ``strength`` (normalised units), and clamp to the valid range.

    The noise is drawn on the CPU, so that a seed means the same on every device.
    """
    check_strength("noise", strength)
    images = subject.images
    drawn = torch.randn(images.shape, generator=rng, dtype=images.dtype).to(images.device)
    return subject.valid.clamp(images + strength * drawn)


def blur(subject: Subject, strength: float, rng: torch.Generator) -> Tensor:
    """Blur by a Gaussian of deviation ``strength`` pixels, images continued as in a mirror at their edge.

    Nothing is drawn, and nothing needs clamping: every value is a mean of others.
    """
    check_strength("blur", strength)
    height, width = (_smoother(size, strength, subject.images) for size in subject.images.shape[2:])
    return height @ subject.images @ width.T


def _smoother(size: int, deviation: float, like: Tensor) -> Tensor:
    """Return the ``[size, size]`` matrix that smooths a line of pixels, weights of the mirrored ones folded in."""
    radius = int(_TRUNCATE * deviation + 0.5)
    offsets = torch.arange(-radius, radius + 1, device=like.device)
    weights = torch.exp(-0.5 * (offsets.to(like.dtype) / max(deviation, 1e-12)) ** 2)  # 0: no radius, one weight
    around = (torch.arange(size, device=like.device)[:, None] + offsets) % (2 * size)
    mirrored = torch.where(around < size, around, 2 * size - 1 - around)
    matrix = like.new_zeros(size, size)
    return matrix.scatter_add_(1, mirrored, (weights / weights.sum()).expand(size, -1))
