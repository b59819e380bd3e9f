"""OpenMP: how long a thread that is done waits actively for the others."""

from __future__ import annotations

import os

__all__ = ["wait_briefly"]

_SPINS = "1000"  # GNU OpenMP's own is 300,000


def wait_briefly() -> None:
    """Have GNU OpenMP's threads give up their core soon; to be called before PyTorch is imported.

    A step of a small network enters and leaves hundreds of parallel regions. Where another job has one of the cores,
    a thread that spins for long at each end keeps the very thread from running that it waits for
    (``benchmarks/waiting.py`` prints what that costs). What the user has set by ``GOMP_SPINCOUNT`` or
    ``OMP_WAIT_POLICY`` stays; other OpenMP libraries take no notice.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)
