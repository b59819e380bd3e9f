"""How a taught learner is examined on real images, and what a meta-gradient consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from gtn_nas.meta.learner import Learner

__all__ = ["Exam", "MetaGradient", "examine"]


@dataclass(frozen=True)
class Exam:
    """Real images on which the meta-loss is taken, after which inner steps, and whose batch-norm statistics count.

    Args:
        images, labels: real ``[N, C, H, W]``, ``[N]``.
        weights: inner step (0-based; the exam follows that step's update) → weight of its loss.
        statistics_images: unlabelled real images for batch-norm statistics; None takes the lesson's own
            batches (nothing real is seen).
        statistics_batches: how many of the latest lesson batches serve as statistics in that case.
    """

    images: Tensor
    labels: Tensor
    weights: Mapping[int, float]
    statistics_images: Tensor | None = None
    statistics_batches: int = 4

    def window(self, step: int) -> slice:
        """Return the lesson batches whose statistics count after ``step``."""
        return slice(max(0, step + 1 - self.statistics_batches), step + 1)


@dataclass(frozen=True)
class MetaGradient:
    """Meta-loss, its gradient for every tensor of the lesson, and how the learner fared.

    ``diverged_at`` is the first inner step that was not finite (None: all were sound); the unroll is cut
    there and the exams that would have followed are taken on the last sound parameters.
    """

    loss: float
    accuracy: float
    images: Tensor
    hyper: dict[str, Tensor] = field(default_factory=dict)
    targets: Tensor | None = None
    diverged_at: int | None = None


def examine(
    learner: Learner, theta: Tensor, statistics_images: Tensor, images: Tensor, labels: Tensor
) -> tuple[Tensor, Tensor]:
    """Return mean cross-entropy and accuracy (scalars) of ``theta`` on real images."""
    statistics = learner.statistics(theta, statistics_images) if learner.has_statistics else ()
    logits = learner.predict(theta, images, statistics)
    correct = (logits.detach().argmax(1) == labels).to(logits.dtype)
    return F.cross_entropy(logits, labels), torch.mean(correct)
