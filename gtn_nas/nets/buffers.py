"""A network's own buffers, which its forward passes may change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

__all__ = ["Buffers", "Snapshot"]

Snapshot = Sequence[Tensor]


class Buffers:
    """All buffers of ``network``: those of spectral normalisation, or averages that a user's layer keeps."""

    def __init__(self, network: nn.Module) -> None:
        named = ((module, name, buffer) for module in network.modules() for name, buffer in module._buffers.items())
        self._places = [(module, name) for module, name, buffer in named if buffer is not None]

    def copy(self) -> Snapshot:
        """Return what they hold now."""
        return [buffer.clone() for buffer in self._present()]

    def versions(self) -> list[tuple[int, int]]:
        """Return what differs once one was changed or exchanged."""
        return [(id(buffer), buffer._version) for buffer in self._present()]

    @contextmanager
    def holding(self, snapshot: Snapshot) -> Iterator[None]:
        """Let them hold ``snapshot`` within the block, and what they held before after it; empty: leave them alone."""
        present = self._present()
        if snapshot:
            self._put([buffer.clone() for buffer in snapshot])  # the block may change them
        try:
            yield
        finally:
            if snapshot:
                self._put(present)

    def _present(self) -> list[Tensor]:
        return [buffer for module, name in self._places if (buffer := module._buffers[name]) is not None]

    def _put(self, buffers: Snapshot) -> None:
        for (module, name), buffer in zip(self._places, buffers, strict=True):
            module._buffers[name] = buffer
