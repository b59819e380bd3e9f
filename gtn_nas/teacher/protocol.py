"""Whose batch-norm statistics count when a taught learner is examined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

__all__ = ["Protocol", "Statistics"]

Statistics = Literal["synthetic", "real", "running", "batch"]


@dataclass(frozen=True)
class Protocol:
    """The same in meta-training and in scoring.

    Args:
        statistics: ``synthetic``, the lesson's latest batches; ``real``, unlabelled real images; ``running``,
            averages over the inner loop as ``nn.BatchNorm`` keeps them; ``batch``, the examined images' own
            (transductive: the published figures of GoodAI were taken so).
        batches: how many of the lesson's batches serve for ``synthetic``.
        images: the real ones ``[N, C, H, W]`` for ``real``.
    """

    statistics: Statistics = "synthetic"
    batches: int = 4
    images: Tensor | None = None

    def __post_init__(self) -> None:
        if (self.statistics == "real") != (self.images is not None):
            raise ValueError(
                f"statistics = {self.statistics!r} goes {'with' if self.images is None else 'without'} images."
            )

    @property
    def follows_training(self) -> bool:
        """Whether statistics are gathered while the learner is taught."""
        return self.statistics == "running"

    def window(self, step: int) -> slice:
        """Return the lesson batches whose statistics count after ``step``."""
        return slice(max(0, step + 1 - self.batches), max(0, step) + 1)

    def seen(self, lesson_images: Tensor, step: int) -> Tensor | None:
        """Return the images whose statistics count after ``step``, None where it is not images that do."""
        if self.statistics == "synthetic":
            return lesson_images[self.window(step)].flatten(0, 1)
        return self.images
