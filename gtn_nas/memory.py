"""The process's memory: keep what tensors give back for the next step, return what has come to lie unused."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["Tidier", "keep_freed_memory", "peak_bytes", "resident_bytes"]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # mallopt(3)
_BYTES = 1 << 30
_OLD_LIMIT = 1 << 25  # the most that older releases take for a mapping
_SLACK = 64 << 20


@functools.cache
def keep_freed_memory() -> bool:
    """Have glibc's allocator neither return freed memory below 1 GiB nor map large tensors one by one.

    A training step frees and takes the same megabytes again; every fresh page is a page fault and has to be
    zeroed (``benchmarks/layers.py`` prints what that costs). Returns whether it could be set: only on Linux
    with glibc.
    """
    mallopt = _find("mallopt")
    if mallopt is None:
        return False
    trimmed = bool(mallopt(_M_TRIM_THRESHOLD, _BYTES))
    mapped = any(mallopt(_M_MMAP_THRESHOLD, size) for size in (_BYTES, _OLD_LIMIT))
    return trimmed and mapped


class Tidier:
    """Gives unused memory back whenever more than ``slack`` bytes of it lie between the tensors in use.

    Networks of ever different shapes leave ever larger holes. To return them after every step would cost page
    faults at the next, so they stay as long as they are small.
    """

    def __init__(self, slack: int = _SLACK) -> None:
        self._slack = slack
        self._at_rest = 0

    def tidy(self) -> bool:
        """Return whether memory was given back: only on Linux with glibc."""
        now, trim = resident_bytes(), _find("malloc_trim")
        if now is None or trim is None or now - self._at_rest <= self._slack:
            return False
        trim(0)
        self._at_rest = resident_bytes() or 0
        return True


def resident_bytes() -> int | None:
    """Return this process's resident memory, None where the system does not say (it is Linux's /proc)."""
    return _status("VmRSS")


def peak_bytes() -> int | None:
    """Return the peak of the resident memory since it was last forgotten."""
    return _status("VmHWM")


def _status(field: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith(field)), None)


@functools.cache
def _find(name: str) -> Callable[..., int] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        found: Callable[..., int] = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):  # another C library
        return None
    return found
