"""``gtn-nas bench``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from gtn_nas.bench.growth import measure_growth
from gtn_nas.bench.meta_step import REFERENCE, measure_meta_steps, measure_scaling
from gtn_nas.bench.methods import METHODS
from gtn_nas.cli.output import note, progress_bar, results
from gtn_nas.device import describe_hardware, describe_versions, pick_device
from gtn_nas.files import write_atomically

__all__ = ["bench_command"]

_GROWTH_STEPS = 1000


def bench_command(
    what: Annotated[
        Literal["meta-step", "scaling", "growth"],
        typer.Argument(help="one meta-step beside the rivals; long against short unrolls; memory over many steps"),
    ],
    out: Annotated[Path | None, typer.Option("--json", help="write the figures to this file")] = None,
    cases: Annotated[str, typer.Option(help="meta-step: which, by comma")] = "a,b,c,d",
    methods: Annotated[str, typer.Option(help="meta-step: which, by comma")] = ",".join(METHODS),
    rounds: Annotated[int, typer.Option(help="timed runs of each, in turn", min=1)] = 5,
    steps: Annotated[int, typer.Option(help="growth: outer steps", min=10)] = _GROWTH_STEPS,
    device: Annotated[str, typer.Option(help="auto (CUDA when it is there), cpu, cuda, …")] = "auto",
) -> None:
    """Measure meta-gradients on this machine, beside what else there is: one thread, one process a method, in turn."""
    chosen = pick_device(device)
    found: dict[str, Any] = {}
    with progress_bar(None) as progress:
        bar = progress.add_task(what, total=None, note="")

        def show(case: str, method: str, number: int) -> None:
            progress.update(bar, note=f"case {case}, {method}, round {number}")

        if what == "growth":
            found |= measure_growth(steps, lambda number: progress.update(bar, total=steps, completed=number + 1))
        elif what == "scaling":
            found |= measure_scaling("short", "long", rounds, str(chosen), show)
        else:
            found |= measure_meta_steps(cases.split(","), methods.split(","), rounds, str(chosen), show)
    if out is not None:
        facts = {"hardware": {**describe_hardware(chosen), "threads": 1}, "versions": describe_versions()}
        write_atomically(out, json.dumps({"measured": what, **facts, "results": found}, indent=1) + "\n")
    if what == "growth":
        note(_growth_in_words(found))
    elif what == "scaling":
        note(f"an inner step takes {found['ratio']:.2f} times as long at T = 128 as at T = 16.")
    else:
        for case in cases.split(","):
            results.print(_table(case, found[case]))


def _growth_in_words(found: dict[str, Any]) -> str:
    if found["growth"] is None:
        return "too few steps, or this system does not tell how much memory a process holds."
    early, late = (found[name] / 2**20 for name in ("early_bytes", "late_bytes"))
    return (
        f"{found['outer_steps']} outer steps: at most {early:.0f} MiB after any step of the second fifth, "
        f"{late:.0f} MiB of the last, {found['growth']:+.1%}; the median {found['median_growth']:+.1%}."
    )


def _table(case: str, measured: dict[str, Any]) -> Table:
    table = Table(title=f"case {case}: {measured['title']}", title_justify="left")
    table.add_column("method")
    for head in ("CPU s", f"/ {REFERENCE}", "wall s", "MiB", f"/ {REFERENCE}"):
        table.add_column(head, justify="right")
    for found in measured["methods"].values():
        ratio = found.get("ratio", {})
        table.add_row(
            found["title"],
            _number(found["cpu_seconds"], 2),
            _number(ratio.get("cpu_seconds"), 2),
            _number(found["wall_seconds"], 2),
            _number(None if found["peak_bytes"] is None else found["peak_bytes"] / 2**20, 0),
            _number(ratio.get("peak_bytes"), 3),
        )
    return table


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
