"""Numbers as a reader wants them; every function takes what JSON may hold, null included."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

__all__ = ["ABSENT", "duration", "finite", "flatten", "interval", "number", "percent", "points", "signed"]

ABSENT = "–"
_SHOWN_ITEMS = 6


def finite(value: object) -> float | None:
    """Return ``value`` as a float, or None when it is not a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def number(value: object, digits: int = 2) -> str:
    """``0.753`` → ``0.75``, with a true minus sign."""
    known = finite(value)
    return ABSENT if known is None else _minus(f"{known:.{digits}f}")


def signed(value: object, digits: int = 2) -> str:
    """``0.12`` → ``+0.12``."""
    known = finite(value)
    return ABSENT if known is None else _minus(f"{known:+.{digits}f}")


def percent(value: object, digits: int = 1) -> str:
    """``0.953`` → ``95.3 %``."""
    known = finite(value)
    return ABSENT if known is None else _minus(f"{100 * known:.{digits}f}\u202f%")


def points(value: object) -> str:
    """A difference of two accuracies: ``0.004`` → ``0.4 pt``."""
    known = finite(value)
    return ABSENT if known is None else _minus(f"{100 * known:.1f}\u202fpt")


def duration(value: object) -> str:
    """Seconds in the unit that suits them, from µs to h."""
    seconds = finite(value)
    if seconds is None:
        return ABSENT
    for limit, factor, unit in (
        (0.9995e-3, 1e6, "µs"),
        (0.1, 1e3, "ms"),
        (120, 1, "s"),
        (7200, 1 / 60, "min"),
    ):
        if seconds < limit:
            return f"{seconds * factor:.3g}\u202f{unit}"
    return f"{seconds / 3600:.1f}\u202fh"


def interval(value: object, sign: bool = False) -> str:
    """``[0.5, 0.88]`` → ``0.50 to 0.88``."""
    low, high = bounds(value)
    if low is None or high is None:
        return ABSENT
    write = signed if sign else number
    return f"{write(low)} to {write(high)}"


def bounds(value: object) -> tuple[float | None, float | None]:
    """Return both ends of an interval, each None when it is not known."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None, None
    return finite(value[0]), finite(value[1])


def flatten(nested: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield ``("a.b", "text")`` for every leaf; long lists are cut and say how long they are."""
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _leaf(value)


def _leaf(value: object) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        if any(isinstance(item, Mapping) for item in value):
            return f"{len(value)} entries"
        shown = ", ".join(_leaf(item) for item in value[:_SHOWN_ITEMS])
        return shown if len(value) <= _SHOWN_ITEMS else f"{shown}, … ({len(value)} in all)"
    return str(value)


def _minus(text: str) -> str:
    return text.replace("-", "−")
