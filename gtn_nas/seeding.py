"""Randomness for one piece of work, that leaves everybody else's alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["seeded"]


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
