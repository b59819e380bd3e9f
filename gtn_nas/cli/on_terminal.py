"""What stands on a terminal while a verb works; elsewhere there is nothing to see."""

from __future__ import annotations

from types import TracebackType
from typing import TypeVar

from rich.console import RenderableType
from rich.live import Live
from rich.progress import Progress

from gtn_nas.cli.output import console

__all__ = ["OnTerminal"]

View = TypeVar("View", bound="OnTerminal")


class OnTerminal:
    """A progress line, with what :meth:`show` puts above it, between the beginning and the end of a ``with`` block."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._live = Live(progress, console=console, refresh_per_second=4) if console.is_terminal else None

    @property
    def visible(self) -> bool:
        """Whether there is a terminal."""
        return self._live is not None

    def show(self, content: RenderableType) -> None:
        """Replace what stands there."""
        if self._live is not None:
            self._live.update(content)

    def __enter__(self: View) -> View:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
