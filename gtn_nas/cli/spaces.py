"""``gtn-nas spaces``."""

from __future__ import annotations

import math
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from gtn_nas.cli.options import DataOption, JsonOption
from gtn_nas.cli.output import note, print_json, results
from gtn_nas.device import pick_device
from gtn_nas.errors import UserError
from gtn_nas.meta.fitness import check_fitness
from gtn_nas.space import SearchSpace, available_spaces, load_space
from gtn_nas.space.checking import Check
from gtn_nas.space.distributions import describe
from gtn_nas.task import load_task

__all__ = ["spaces_command"]


def spaces_command(
    space: Annotated[
        str | None, typer.Argument(help="describe and check this one: a name, or path/to/file.py:Class")
    ] = None,
    data: DataOption = "digits",
    architectures: Annotated[int, typer.Option(help="how many to build and train for a step", min=1)] = 8,
    as_json: JsonOption = False,
) -> None:
    """List the installed search spaces; or describe one, and check that it is fit for use on --data.

    Checked are random architectures: they are built, give logits in both modes, learn in one step, can be taught, and
    have keys, neighbours and costs. What fails is named, and the exit status is 2.
    """
    if space is None:
        _list(as_json)
        return
    loaded = load_space(space)
    checks = check_fitness(loaded, load_task(data, pick_device("cpu")), architectures)
    if as_json:
        print_json({**_facts(loaded), "checks": {check.what: check.fault or None for check in checks}})
    else:
        _print(loaded, checks)
    failed = [check for check in checks if check.fault]
    if failed:
        first = failed[0]
        raise UserError(f"space {loaded.name!r} is not fit: that {first.what} fails ({first.fault}); mend it.")


def _list(as_json: bool) -> None:
    found = [load_space(name) for name in sorted(available_spaces())]
    if as_json:
        print_json({"spaces": [_facts(space) for space in found]})
        return
    table = Table("space", "architectures", "parameters", "what it holds")
    for space in found:
        table.add_row(escape(space.name), _size(space), str(len(space.parameters)), escape(_facts(space)["about"]))
    results.print(table)


def _print(space: SearchSpace, checks: list[Check]) -> None:
    note(f"[bold]{escape(space.name)}[/]: {escape(_facts(space)['about'])}")
    table = Table("parameter", "values", title=f"{_size(space)} architectures")
    for name, distribution in space.parameters.items():
        table.add_row(escape(name), escape(describe(distribution)))
    results.print(table)
    for check in checks:
        mark = "[red]fails[/]" if check.fault else "[green]holds[/]"
        results.print(f"{mark} {escape(check.what)}", soft_wrap=True)


def _facts(space: SearchSpace) -> dict[str, Any]:
    about = (type(space).__doc__ or "").strip().replace("``", "").splitlines()
    return {
        "name": space.name,
        "architectures": None if math.isinf(space.size) else space.size,
        "fingerprint": space.fingerprint,
        "about": about[0] if about else "",
        "parameters": {name: describe(distribution) for name, distribution in space.parameters.items()},
    }


def _size(space: SearchSpace) -> str:
    return "infinitely many" if math.isinf(space.size) else f"{space.size:,}"
