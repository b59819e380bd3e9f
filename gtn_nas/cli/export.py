"""``gtn-nas export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from gtn_nas.cli.output import note
from gtn_nas.teacher.export import export_teacher
from gtn_nas.teacher.frozen import load_teacher

__all__ = ["export_command"]


def export_command(
    what: Annotated[Literal["teacher"], typer.Argument(help="what to export")],
    folder: Annotated[Path, typer.Argument(help="the teacher's folder")],
    out: Annotated[Path, typer.Option("--out", help="file, or folder for --format folder")],
    form: Annotated[
        Literal["npz", "safetensors", "folder"],
        typer.Option("--format", help="plain arrays in one file, or a smaller teacher's folder with 8-bit pixels"),
    ] = "npz",
) -> None:
    """Take a teacher's images, targets and schedule away, to train any network without this package."""
    teacher = load_teacher(folder)
    export_teacher(teacher, form, out)
    steps, batch, *shape = teacher.lesson.images.shape
    sizes = "×".join(map(str, shape))
    note(f"{what} exported to [bold]{escape(str(out))}[/]: {steps} steps of {batch} images of {sizes}.")
