"""``gtn-nas settings``."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic.fields import FieldInfo
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from gtn_nas.cli.nni import SearchSettings
from gtn_nas.cli.options import JsonOption
from gtn_nas.cli.output import print_json, results
from gtn_nas.cli.settings import settings_of
from gtn_nas.errors import UserError

__all__ = ["settings_command"]


def settings_command(
    group: Annotated[str | None, typer.Argument(help="only this group", show_default="all groups")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the settings that --set GROUP.NAME=VALUE and --config change, with their defaults and meanings."""
    groups = settings_of(SearchSettings)
    if group is not None and group not in groups:
        raise UserError(f"no group of settings is called {group!r}; the groups are {', '.join(groups)}.")
    shown = groups if group is None else {group: groups[group]}
    facts = {name: {field: _facts(known) for field, known in fields.items()} for name, fields in shown.items()}
    if as_json:
        print_json(facts)
        return
    for name, settings in facts.items():
        results.print(_table(name, settings))


def _facts(field: FieldInfo) -> dict[str, Any]:
    choices = list(get_args(field.annotation)) if get_origin(field.annotation) is Literal else None
    return {"default": field.default, "choices": choices, "meaning": field.description}


def _table(group: str, settings: dict[str, dict[str, Any]]) -> Table:
    table = Table(box=SIMPLE, show_edge=False, padding=(0, 1, 0, 0), title=group, title_justify="left")
    for heading in ("setting", "default"):
        table.add_column(heading, no_wrap=True)
    table.add_column("meaning")
    for name, known in settings.items():
        default = "–" if known["default"] is None else str(known["default"])
        choices = f" [{', '.join(known['choices'])}]" if known["choices"] else ""
        table.add_row(f"{group}.{name}", escape(default), escape(f"{known['meaning']}{choices}"))
    return table
