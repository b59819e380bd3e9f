"""Another reading of a proxy, ``gtn.loss``, as a proxy of its own."""

from __future__ import annotations

from gtn_nas.fingerprint import fingerprint
from gtn_nas.proxy.base import Proxy, See
from gtn_nas.space import Architecture

__all__ = ["Reading"]


class Reading(Proxy):
    """Score: one of the readings of ``proxy``; other readings: the proxy's own score, by its name, and the rest.

    Raises:
        UserError: the proxy has no such reading.
    """

    def __init__(self, proxy: Proxy, reading: str) -> None:
        super().__init__(proxy.space, proxy.task)
        proxy.check_reading(reading)
        self.proxy, self.reading = proxy, reading
        self.name = f"{proxy.name}.{reading}"
        self.seeded, self.steps = proxy.seeded, proxy.steps
        self.readings = (proxy.name, *(name for name in proxy.readings if name != reading))

    @property
    def fingerprint(self) -> str:
        """The proxy's, and which reading."""
        return fingerprint(repr((self.proxy.fingerprint, self.reading)))

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        """Measure by the proxy."""
        return self._read(self.proxy.measure(architecture, seed))

    def watched(self, architecture: Architecture, seed: int, see: See) -> tuple[float, dict[str, float]]:
        """Measure, and show the proxy's accuracy on the way."""
        return self._read(self.proxy.watched(architecture, seed, see))

    def prepare(self) -> None:
        """Prepare the proxy."""
        self.proxy.prepare()

    def attacked(self) -> Reading:
        """Return the same of the attacked proxy."""
        return Reading(self.proxy.attacked(), self.reading)

    def _read(self, found: tuple[float, dict[str, float]]) -> tuple[float, dict[str, float]]:
        value, readings = found
        others = {name: one for name, one in readings.items() if name != self.reading}
        return readings[self.reading], {self.proxy.name: value, **others}
