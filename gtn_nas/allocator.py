"""Keep the memory that tensors give back, instead of asking the system for it again at the next step."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable

__all__ = ["give_back_unused", "keep_freed_memory"]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # mallopt(3)
_BYTES = 1 << 30
_OLD_LIMIT = 1 << 25  # the most that older releases take for a mapping


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


def give_back_unused() -> bool:
    """Return what lies unused between tensors in use: networks of ever different shapes leave ever more of it."""
    trim = _find("malloc_trim")
    return trim is not None and bool(trim(0))


@functools.cache
def _find(name: str) -> Callable[..., int] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        found: Callable[..., int] = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):  # another C library
        return None
    return found
