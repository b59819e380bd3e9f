"""What a search does not go beyond."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """Largest parameters, FLOPs of one image's forward pass, and latency in seconds; None is no limit."""

    params: int | None = None
    flops: int | None = None
    latency: float | None = None

    def excess(self, costs: Mapping[str, float]) -> dict[str, float]:
        """Return by how much each limited cost is over, as a share of its limit: at most 0 within the limit."""
        limits = {name: limit for name, limit in asdict(self).items() if limit is not None}
        return {name: costs[name] / limit - 1 for name, limit in limits.items() if name in costs}
