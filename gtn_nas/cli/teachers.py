"""``gtn-nas teachers``."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from gtn_nas.cli.output import note, print_json, results
from gtn_nas.teacher.store import Stored, shipped_folder, store_folder, stored_teachers

__all__ = ["teachers_command"]


def teachers_command(
    as_json: Annotated[bool, typer.Option("--json", help="print the list as JSON on stdout")] = False,
) -> None:
    """List the teachers in the store and those that come with the package."""
    found = list(stored_teachers())
    if as_json:
        listed = [_facts(teacher) for teacher in found]
        print_json({"store": str(store_folder()), "shipped": str(shipped_folder()), "teachers": listed})
        return
    note(f"store: [bold]{escape(str(store_folder()))}[/]")
    note(f"shipped: [bold]{escape(str(shipped_folder()))}[/]")
    if not found:
        note("no teachers yet; gtn-nas train-teacher makes one.")
        return
    table = Table(
        box=SIMPLE, show_edge=False, padding=(0, 1, 0, 0)
    )  # names are of no use cut short, and so need the width
    for heading in ("teacher", "task", "space", "T × B", "accuracy", "trained"):
        table.add_column(heading, overflow="fold")
    origin = found[0].origin
    for teacher in found:
        if teacher.origin != origin:
            table.add_section()
            origin = teacher.origin
        if not teacher.card:
            place = escape(str(teacher.folder))
            note(f"[yellow]{place}: its teacher.json cannot be read[/]; train it again or remove it.")
            continue
        facts = _facts(teacher)
        accuracy = "–" if facts["accuracy"] is None else f"{facts['accuracy']:.3f}"
        minutes = f"{(facts['seconds'] or 0) / 60:.0f} min"
        names = [escape(str(name)) for name in (teacher.folder.name, facts["task"], facts["space"])]
        table.add_row(*names, facts["lesson"], accuracy, minutes)
    results.print(table)
    note("accuracy: real images, architectures that training never saw; the last section comes with the package.")
    note("--teacher, show and export teacher take these names.")


def _facts(teacher: Stored) -> dict[str, Any]:
    card = teacher.card
    config = teacher.group("config")
    return {
        "folder": str(teacher.folder),
        "origin": teacher.origin,
        "task": card.get("task"),
        "space": card.get("space"),
        "lesson": f"{config.get('steps')} × {config.get('batch_size')}",
        "accuracy": None if teacher.quality < 0 else teacher.quality,
        "outer_steps": card.get("outer_steps"),
        "seconds": card.get("seconds"),
        "fingerprint": card.get("fingerprint"),
    }
