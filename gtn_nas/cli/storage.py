"""``gtn-nas storage``."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from rich.markup import escape

from gtn_nas.cli.output import note
from gtn_nas.search.storage import serve_storage, without_password

__all__ = ["storage_command"]


def storage_command(
    what: Annotated[Literal["serve"], typer.Argument(help="what to do with it")],
    storage: Annotated[str, typer.Option("--storage", help="the database, e.g. sqlite:///nas.db or postgresql://…")],
    port: Annotated[int, typer.Option(help="TCP port", min=1, max=65535)] = 13000,
    host: Annotated[
        str, typer.Option(help="address to listen at; the loopback alone unless asked otherwise")
    ] = "127.0.0.1",
) -> None:
    """Serve a database to searches on this and other machines as grpc://HOST:PORT. Ctrl-C ends it.

    One connection to the database then serves many workers. There is neither password nor encryption: listen at
    another address than the loopback in a trusted network alone.
    """
    del what  # there is one thing to do with it so far
    note(f"serving {escape(without_password(storage))} as [bold]--storage grpc://{escape(host)}:{port}[/]")
    serve_storage(storage, host, port)
