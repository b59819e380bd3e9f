"""``gtn-nas robustness``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from gtn_nas.cli.interruption import ANEW, saying_what_is_kept
from gtn_nas.cli.options import DeviceOption, JsonOption, ThreadsOption
from gtn_nas.cli.output import note, print_json, progress_bar, results
from gtn_nas.device import describe_hardware, describe_versions, pick_device, set_threads
from gtn_nas.files import write_atomically
from gtn_nas.model import SavedModel, load_model
from gtn_nas.report.curves import curves
from gtn_nas.report.svg import save
from gtn_nas.robustness import TRIALS, Curve, Trial, curve_of_model, find_trials, images_for
from gtn_nas.task import Task, load_task

__all__ = ["CONTENT", "robustness_command"]

CONTENT = "robustness.json"


def robustness_command(
    models: Annotated[list[Path], typer.Argument(metavar="MODEL", help="folders that train-best wrote")],
    data: Annotated[
        str | None, typer.Option("--data", help="where the test images lie now", show_default="each model's own")
    ] = None,
    trial: Annotated[
        list[str] | None, typer.Option("--trial", help=f"{', '.join(TRIALS)}; may be repeated", show_default="all")
    ] = None,
    images: Annotated[int, typer.Option(help="test images, the first of them", min=1)] = 1000,
    seed: Annotated[int, typer.Option(help="seed of noise and of random starts", min=0)] = 0,
    out: Annotated[Path | None, typer.Option("--out", help=f"folder for {CONTENT} and figures")] = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try trained models on corrupted and attacked test images: accuracy against strength.

    Noise, blur, FGSM and PGD, and the two attacks of the published robustness tests of GTN learners.
    """
    trials = find_trials(trial or [])
    set_threads(threads)
    place = pick_device(device)
    loaded = {str(folder): load_model(folder) for folder in models}
    sources = {name: data or str(model.card.get("task_source") or model.card["task"]) for name, model in loaded.items()}
    splits = {name: (sources[name], model.card.get("train_limit")) for name, model in loaded.items()}
    tasks = {split: load_task(split[0], place, split[1]) for split in dict.fromkeys(splits.values())}
    found: dict[str, dict[str, Curve]] = {}
    counts: dict[str, int] = {}
    with saying_what_is_kept(lambda: ANEW), progress_bar("trials") as progress:
        bar = progress.add_task("robustness", total=len(loaded) * len(trials), note="")
        for name, model in loaded.items():
            split, valid = images_for(model, tasks[splits[name]], images)
            _say_if_another(name, model, tasks[splits[name]])
            counts[name], found[name] = len(split), {}
            for one in trials:
                progress.update(bar, note=f"{escape(name)}, {one.name}")
                found[name][one.name] = curve_of_model(model, one, split, valid, seed)
                progress.advance(bar)
    content: dict[str, Any] = {
        "seed": seed,
        "models": {
            name: {"data": sources[name], "images": counts[name], "curves": curves_of}
            for name, curves_of in found.items()
        },
    }
    if out is not None:
        _write(out, {**content, "hardware": describe_hardware(place), "versions": describe_versions()}, trials, found)
    if as_json:
        print_json(content)
        return
    for one in trials:
        results.print(_table(one, {name: curves_of[one.name] for name, curves_of in found.items()}))
    if out is not None:
        note(f"written to [bold]{escape(str(out / CONTENT))}[/], with a figure for each trial.")


def _say_if_another(name: str, model: SavedModel, task: Task) -> None:
    if model.card.get("task_fingerprint") not in (None, task.fingerprint):
        note(
            f"{escape(name)} was trained on another split of {escape(task.name)}, or on other data: "
            "test images may be among those it was trained on."
        )


def _write(
    folder: Path, content: Mapping[str, Any], trials: Sequence[Trial], found: Mapping[str, Mapping[str, Curve]]
) -> None:
    for one in trials:
        lines = {name: [(x, y, y, y) for x, y in curves_of[one.name]] for name, curves_of in found.items()}
        drawing = curves(lines, f"robustness-{one.name}", one.axis, f"test accuracy after {one.name}")
        if drawing is not None:
            save(drawing, folder / "figures")
    write_atomically(folder / CONTENT, json.dumps(content, indent=1) + "\n")


def _table(trial: Trial, found: Mapping[str, Curve]) -> Table:
    """Return a row for each strength, a column for each model: there are more strengths than a terminal is wide."""
    table = Table(title=f"{trial.name}: test accuracy by {trial.axis}", title_justify="left", box=SIMPLE)
    table.add_column("strength", justify="right", no_wrap=True)
    for name in found:
        table.add_column(escape(name), justify="right", overflow="fold")
    for strength, points in zip(trial.strengths, zip(*found.values(), strict=True), strict=True):
        table.add_row(f"{strength:.4g}", *(f"{accuracy:.3f}" for _, accuracy in points))
    return table
