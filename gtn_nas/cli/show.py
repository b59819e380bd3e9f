"""``gtn-nas show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gtn_nas.cli.output import note, print_json, results
from gtn_nas.report import teacher_grid, teacher_view
from gtn_nas.report.text import flatten
from gtn_nas.teacher.frozen import load_teacher
from gtn_nas.teacher.store import folder_of

__all__ = ["show"]

_FIRST = ("task", "space", "quality", "outer_steps", "seconds", "diverged")
_LONG = ("curve", "validation", "chosen_on")


def show(
    folder: Annotated[Path, typer.Argument(help="a teacher's folder, or its name in gtn-nas teachers")],
    grid: Annotated[Path | None, typer.Option(help="draw the images into this PNG, rows = inner steps")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the card as JSON on stdout")] = False,
) -> None:
    """Show a teacher's card: what it was trained on, how, and how good it is."""
    place = folder_of(folder)
    teacher = load_teacher(place)
    known = {name: teacher.card[name] for name in _FIRST if name in teacher.card}
    card = known | {name: value for name, value in teacher.card.items() if name not in _LONG}
    if grid is not None:
        view = teacher_view(teacher)
        grid.parent.mkdir(parents=True, exist_ok=True)
        grid.write_bytes(teacher_grid(view.images, view.labels))
        note(f"images: [bold]{escape(str(grid))}[/]")
    if as_json:
        print_json(card)
        return
    table = Table(title=escape(str(place)), show_header=False)
    table.add_column(style="bold")
    table.add_column()
    for name, value in flatten(card):
        table.add_row(name, escape(value))
    results.print(table)
