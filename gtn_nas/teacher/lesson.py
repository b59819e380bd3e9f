"""What a learner is taught: batches and the inner optimiser's schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Lesson"]

_HYPER = "hyper."


@dataclass(frozen=True)
class Lesson:
    """T batches and the hyperparameters of each inner step.

    images ``[T, B, C, H, W]``; targets ``[T, B]`` classes or ``[T, B, K]`` probabilities; hyper: ``[T]`` per
    hyperparameter of the inner optimiser.
    """

    images: Tensor
    targets: Tensor
    hyper: Mapping[str, Tensor]

    @property
    def steps(self) -> int:
        """Number of inner steps T."""
        return len(self.images)

    def hyper_at(self, step: int) -> dict[str, Tensor]:
        """Return the scalars of one inner step."""
        return {name: values[step] for name, values in self.hyper.items()}

    def head(self, steps: int) -> Lesson:
        """Return the first ``steps`` inner steps."""
        return Lesson(self.images[:steps], self.targets[:steps], {k: v[:steps] for k, v in self.hyper.items()})

    def detach(self) -> Lesson:
        """Return the lesson cut off from whatever graph made it."""
        hyper = {name: values.detach() for name, values in self.hyper.items()}
        return Lesson(self.images.detach(), self.targets.detach(), hyper)

    def tensors(self) -> dict[str, Tensor]:
        """Return everything by name: ``images``, ``targets`` and ``hyper.NAME``."""
        hyper = {f"{_HYPER}{name}": values for name, values in self.hyper.items()}
        return {"images": self.images, "targets": self.targets, **hyper}

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Tensor]) -> Lesson:
        """Return the lesson that :meth:`tensors` came from.

        Raises:
            KeyError: images or targets are missing.
        """
        hyper = {name.removeprefix(_HYPER): t for name, t in tensors.items() if name.startswith(_HYPER)}
        return cls(tensors["images"], tensors["targets"], hyper)

    def to(self, device: torch.device) -> Lesson:
        """Return the lesson on ``device``."""
        hyper = {name: values.to(device) for name, values in self.hyper.items()}
        return Lesson(self.images.to(device), self.targets.to(device), hyper)
