"""``gtn-nas train-best``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import optuna
import typer
from rich.markup import escape

from gtn_nas.cli.interruption import ANEW, saying_what_is_kept
from gtn_nas.cli.options import (
    ConfigOption,
    DeviceOption,
    JsonOption,
    SetOption,
    ThreadsOption,
    open_space_and_task,
)
from gtn_nas.cli.output import describe, note, print_json, results
from gtn_nas.cli.settings import Settings, load_settings, refuse_idle
from gtn_nas.device import describe_hardware, describe_versions
from gtn_nas.errors import UserError
from gtn_nas.model import SavedModel, save_model
from gtn_nas.model.saved import CARD
from gtn_nas.search import best_trials, load_study, verified_rows
from gtn_nas.search.ledger import architecture_of
from gtn_nas.seeding import seeded
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.task import Task
from gtn_nas.training import train_network

__all__ = ["train_best_command"]


def train_best_command(
    study: Annotated[str, typer.Argument(help="name of the study, such as cnn_small-digits")],
    storage: Annotated[str, typer.Option("--storage", help="as for search, e.g. sqlite:///nas.db")],
    out: Annotated[Path, typer.Option("--out", help="folder for model.safetensors and model.json")],
    epochs: Annotated[
        int | None, typer.Option(help="passes over the training images", min=1, show_default="10")
    ] = None,
    trial: Annotated[int | None, typer.Option(help="another trial than the winner, by its number", min=0)] = None,
    data: Annotated[str | None, typer.Option("--data", help="where the study's data set lies now")] = None,
    space: Annotated[str | None, typer.Option("--space", help="where the study's space lies now")] = None,
    seed: Annotated[int, typer.Option(help="seed of initialisation and order", min=0)] = 0,
    force: Annotated[bool, typer.Option("--force", help="replace a model in --out")] = False,
    config: ConfigOption = None,
    assignments: SetOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a study's winner on real data and keep it: the best verified candidate or, unverified, the best by score.

    gtn-nas export model takes it to other runtimes.
    """
    settings = load_settings(Settings, config, assignments or [], {"recipe.epochs": epochs})
    refuse_idle(assignments or [], dict.fromkeys(("teacher", "meta"), "it is for train-teacher"))
    if (out / CARD).is_file() and not force:
        raise UserError(f"{out} already holds a model; use --force to replace it, or another --out.")
    found = load_study(storage, study)
    noted = found.user_attrs
    loaded_space, task = open_space_and_task(
        space or noted["space_source"], data or noted["task_source"], device, threads, noted.get("train_limit")
    )
    _check(found, loaded_space, task)
    number, architecture = _winner(found, loaded_space, trial)
    note(f"training trial {number}: {describe(architecture)}")
    with saying_what_is_kept(lambda: ANEW), seeded(seed):
        network = loaded_space.build(architecture, task)
        result = train_network(network, task, settings.recipe, seed)
    card: dict[str, Any] = {
        "space": loaded_space.name,
        "space_source": loaded_space.origin or loaded_space.name,
        "space_fingerprint": loaded_space.fingerprint,
        "architecture": architecture,
        "task": task.name,
        "task_source": task.source,
        "train_limit": noted.get("train_limit"),
        "task_fingerprint": task.fingerprint,
        "image_shape": list(task.image_shape),
        "classes": task.classes,
        "pixel_mean": list(task.mean),
        "pixel_std": list(task.std),
        "study": study,
        "trial": number,
        "seed": seed,
        "recipe": settings.recipe.model_dump(),
        "result": asdict(result),
        "hardware": describe_hardware(task.train.images.device),
        "versions": describe_versions(),
    }
    save_model(SavedModel(network, card), out)
    if as_json:
        print_json({"folder": str(out), **card})
        return
    results.print(
        f"[bold]real test accuracy: {result.test_accuracy:.4f}[/], validation {result.validation_accuracy:.4f}"
    )
    place = escape(str(out))
    note(f"model saved to [bold]{place}[/]; next: gtn-nas export model {place} --format onnx --out model.onnx")


def _check(study: optuna.Study, space: SearchSpace, task: Task) -> None:
    for what, mine in (("space", space.fingerprint), ("task", task.fingerprint)):
        theirs = study.user_attrs[f"{what}_fingerprint"]
        if theirs != mine:
            option = "--space" if what == "space" else "--data"
            raise UserError(
                f"study {study.study_name!r} searched another {what} (fingerprint {theirs}, here {mine}); "
                f"say where its own is with {option}."
            )


def _winner(study: optuna.Study, space: SearchSpace, trial: int | None) -> tuple[int, Architecture]:
    if trial is not None:
        if trial >= len(study.trials):
            raise UserError(f"study {study.study_name!r} has no trial {trial}; its last is {len(study.trials) - 1}.")
        return trial, architecture_of(study.trials[trial], space)
    verified, best = verified_rows(study), best_trials(study, 1)
    if verified:
        return int(verified[0]["number"]), space.validate(verified[0]["architecture"])
    if not best:
        raise UserError(f"study {study.study_name!r} holds no scored candidate; go on with gtn-nas search.")
    return best[0].number, architecture_of(best[0], space)
