"""Randomness for one piece of work, that leaves everybody else's alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["RandomState", "replaying", "seeded"]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Start PyTorch's global generators from ``seed`` within the block and put them back after it.

    The CPU's, and those of CUDA once it is in use: networks draw from them when they are built (initial
    weights) and trained (dropout).
    """
    cuda = torch.cuda.is_initialized()
    with torch.random.fork_rng(range(torch.cuda.device_count()) if cuda else []):
        torch.default_generator.manual_seed(seed)
        if cuda:
            torch.cuda.manual_seed_all(seed)
        yield


@dataclass(frozen=True)
class RandomState:
    """Where the generators stood that a network on ``device`` draws from."""

    cpu: Tensor
    cuda: Tensor | None
    device: torch.device

    @classmethod
    def capture(cls, device: torch.device) -> RandomState:
        """Return where they stand now."""
        cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
        return cls(torch.get_rng_state(), cuda, device)

    def is_current(self) -> bool:
        """Return whether nothing was drawn since."""
        now = RandomState.capture(self.device)
        same = torch.equal(now.cpu, self.cpu)
        return same and (self.cuda is None or now.cuda is None or torch.equal(now.cuda, self.cuda))

    def restore(self) -> None:
        """Set the generators back."""
        torch.set_rng_state(self.cpu)
        if self.cuda is not None:
            torch.cuda.set_rng_state(self.cuda, self.device)


@contextmanager
def replaying(state: RandomState | None) -> Iterator[None]:
    """Draw within the block what was drawn after ``state`` was captured; None leaves the generators alone."""
    if state is None:
        yield
        return
    now = RandomState.capture(state.device)
    state.restore()
    try:
        yield
    finally:
        now.restore()
