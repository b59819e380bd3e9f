"""What is tried: a model, images, and the values that a pixel may have."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gtn_nas.errors import UserError

__all__ = ["Logits", "PixelRange", "Subject", "check_strength"]

Logits = Callable[[Tensor], Tensor]  # normalised images [B, C, H, W] → [B, classes], differentiable


@dataclass(frozen=True)
class PixelRange:
    """Black and white as normalised values, ``[1, C, 1, 1]`` each: pixels 0 and 1 less the mean, by the deviation.

    MNIST's are -0.424 and 2.82. Pixels of a data set that go beyond 0 and 1 are clamped.
    """

    low: Tensor
    high: Tensor

    @classmethod
    def of(cls, mean: Sequence[float], std: Sequence[float], like: Tensor) -> PixelRange:
        """Return the range of images normalised by ``mean`` and ``std`` ``[C]``, on the device of ``like``."""
        centre, deviation = (like.new_tensor(values).view(1, -1, 1, 1) for values in (mean, std))
        return cls(-centre / deviation, (1 - centre) / deviation)

    def clamp(self, images: Tensor) -> Tensor:
        """Return the images, their values within the range."""
        return torch.minimum(torch.maximum(images, self.low), self.high)

    def pixels(self, share: float) -> Tensor:
        """Return ``share`` of the way from black to white in normalised units ``[1, C, 1, 1]``."""
        return share * (self.high - self.low)


@dataclass(frozen=True)
class Subject:
    """A model and the images it is tried on, ``[B, C, H, W]`` with labels ``[B]``.

    The model sees the images as one batch: what it says of one may depend on the others.
    """

    logits: Logits
    images: Tensor
    labels: Tensor
    valid: PixelRange

    def slope(self, images: Tensor, penalty: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """Return the gradient of the mean cross-entropy, less a ``penalty`` (a scalar), at ``images``."""
        leaf = images.detach().requires_grad_()
        with torch.enable_grad():
            aim = F.cross_entropy(self.logits(leaf), self.labels)
            if penalty is not None:
                aim = aim - penalty(leaf)
            (gradient,) = torch.autograd.grad(aim, leaf)
        return gradient

    def accuracy_on(self, images: Tensor) -> float:
        """Return the share of ``images``, the subject's own or what became of them, that the model gets right."""
        with torch.no_grad():
            return float((self.logits(images).argmax(1) == self.labels).double().mean())


def check_strength(name: str, strength: float, *, positive: bool = False) -> None:
    """Refuse a strength that means nothing.

    Raises:
        UserError: it is not finite, negative, or zero where that has no meaning.
    """
    if not math.isfinite(strength) or strength < 0 or (positive and strength == 0):
        rule = "positive" if positive else "not negative"
        raise UserError(f"the strength of {name} must be finite and {rule}, but is {strength:g}; change it.")
