"""Settings over settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["merged"]


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested settings in which a later layer's values stand over the earlier ones'."""
    result: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            below = result.get(name)
            both = isinstance(value, Mapping) and isinstance(below, Mapping)
            result[name] = merged(below, value) if both and below is not None else value
    return result
