"""``gtn-nas dashboard``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gtn_nas.cli.output import note
from gtn_nas.dashboard import serve

__all__ = ["dashboard_command"]


def dashboard_command(
    storage: Annotated[str, typer.Option("--storage", help="as for search, e.g. sqlite:///nas.db")],
    port: Annotated[int, typer.Option(help="TCP port", min=1, max=65535)] = 8080,
    host: Annotated[
        str, typer.Option(help="address to listen at; the loopback alone unless asked otherwise")
    ] = "127.0.0.1",
    artifacts: Annotated[
        Path | None, typer.Option(help="folder of the pictures", show_default="beside the storage")
    ] = None,
) -> None:
    """Show a storage's studies in the browser: trials, notes, the teacher's images, figures. Ctrl-C ends it."""
    serve(storage, host, port, artifacts, announce=lambda address: note(f"open [bold]{escape(address)}[/]"))
