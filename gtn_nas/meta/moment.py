"""Wall-clock and processor time side by side."""

from __future__ import annotations

import time
from typing import NamedTuple

__all__ = ["Moment"]


class Moment(NamedTuple):
    """A point in time, or the span between two: seconds of the clock, and of this process's processors."""

    wall: float = 0.0
    cpu: float = 0.0

    @classmethod
    def now(cls) -> Moment:
        """Return this very moment."""
        return cls(time.perf_counter(), time.process_time())

    def since(self, earlier: Moment) -> Moment:
        """Return the span from ``earlier`` to here."""
        return Moment(self.wall - earlier.wall, self.cpu - earlier.cpu)

    def and_then(self, span: Moment) -> Moment:
        """Return this moment or span, ``span`` later or longer."""
        return Moment(self.wall + span.wall, self.cpu + span.cpu)
