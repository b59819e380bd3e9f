"""How long a search may take."""

from __future__ import annotations

import time
from dataclasses import dataclass

__all__ = ["Budget"]


@dataclass(frozen=True)
class Budget:
    """A moment of the monotonic clock after which nothing new is begun; None for no end."""

    end: float | None = None

    @classmethod
    def of(cls, seconds: float | None) -> Budget:
        """Begin a budget of ``seconds`` now."""
        return cls(None if seconds is None else time.monotonic() + seconds)

    @property
    def spent(self) -> bool:
        """Whether it is over."""
        return self.end is not None and time.monotonic() >= self.end
