"""Curricula: which stored samples a lesson shows, and in what order (Such et al., 2019, section 3.2 and figure 1c)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

__all__ = ["CURRICULA", "Curriculum", "places"]

Curriculum = Literal["learned", "random_fixed", "random", "batch_shuffled", "all_shuffled"]

CURRICULA: dict[str, str] = {
    "learned": "latents are learned and always come in the same order (the full curriculum)",
    "random_fixed": "latents are drawn once, stay as they are, and always come in the same order",
    "random": "latents are drawn anew for every lesson (no curriculum)",
    "batch_shuffled": "latents are learned; every inner step shows one of the batches, drawn with replacement",
    "all_shuffled": "latents are learned; every place shows one of the samples, drawn with replacement",
}


def places(curriculum: Curriculum, steps: int, batch_size: int, rng: torch.Generator) -> Tensor:
    """Return which stored sample stands at each of the lesson's places ``[T·B]``."""
    count = steps * batch_size
    if curriculum == "batch_shuffled":
        batches = torch.randint(steps, (steps, 1), generator=rng)
        return (batches * batch_size + torch.arange(batch_size)).flatten()
    if curriculum == "all_shuffled":
        return torch.randint(count, (count,), generator=rng)
    return torch.arange(count)
