"""``gtn-nas train-teacher``."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from gtn_nas.cli.interruption import saying_what_is_kept
from gtn_nas.cli.live import TrainingView
from gtn_nas.cli.options import (
    ConfigOption,
    DataOption,
    DeviceOption,
    JsonOption,
    SetOption,
    ThreadsOption,
    TrainLimitOption,
    open_space_and_task,
    parse_minutes,
)
from gtn_nas.cli.output import count, note, print_json
from gtn_nas.cli.settings import Settings, load_settings, refuse_idle
from gtn_nas.correlation import load_truth
from gtn_nas.errors import UserError
from gtn_nas.meta.checkpoint import CHECKPOINT
from gtn_nas.meta.train import Truth, can_resume, train_teacher
from gtn_nas.meta.trainer import MetaTrainer, OuterStep
from gtn_nas.processes import ALONE, World, join_processes
from gtn_nas.report.tensorboard import TensorBoardLog
from gtn_nas.space import SearchSpace
from gtn_nas.task import Task
from gtn_nas.teacher.frozen import CARD, LESSON, FrozenTeacher
from gtn_nas.teacher.store import place_for

__all__ = ["train_teacher_command", "train_with_progress"]


def train_teacher_command(
    out: Annotated[
        Path | None, typer.Option("--out", help="folder for the teacher", show_default="a place in the store")
    ] = None,
    data: DataOption = "digits",
    space: Annotated[
        str | None,
        typer.Option("--space", help="search space by name, or path/to/file.py:Class", show_default="cnn_small"),
    ] = None,
    learner: Annotated[
        str | None, typer.Option(help="train for one published learner instead of a space, e.g. goodai")
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(help="outer steps", min=1, show_default="1000, or what the time budget allows")
    ] = None,
    time_budget: Annotated[str | None, typer.Option(help="stop after this time, e.g. 90s, 20m or 2h")] = None,
    truth: Annotated[
        Path | None,
        typer.Option(help="truth table, or published .csv: keep the teacher that ranks some of its architectures best"),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="seed of everything random", min=0, show_default="0")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on from the checkpoint in --out")] = False,
    force: Annotated[bool, typer.Option("--force", help="train again where --out already holds a teacher")] = False,
    log: Annotated[Path | None, typer.Option(help="folder for TensorBoard: scalars and the lesson's images")] = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
    train_limit: TrainLimitOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Meta-train a teacher for a data set and a search space.

    Without --out it goes to the store, where search finds it. Ctrl-C saves a checkpoint; the same command with
    --resume goes on from it. Under torchrun every process trains learners of its own, and their meta-gradients
    are averaged.
    """
    minutes = parse_minutes(time_budget) if time_budget is not None else None
    settings = load_settings(
        Settings, config, assignments or [], {"meta.iterations": iterations, "meta.minutes": minutes, "meta.seed": seed}
    )
    refuse_idle(assignments or [], {"recipe": "it is for real training, by truth, search and train-best"})
    if resume and force:
        raise UserError("--resume goes on from what --force would remove; give one of the two.")
    if learner is not None and space is not None:
        raise UserError("--learner and --space both say what is trained; give one of the two.")
    named = f"published[learner={learner}]" if learner is not None else space or "cnn_small"
    loaded_space, task = open_space_and_task(named, data, device, threads, train_limit)
    place = out or place_for(task, loaded_space, settings.teacher)
    if not (resume or force) and ((place / CARD).is_file() or can_resume(place)):
        raise UserError(f"{place} already holds a teacher or a checkpoint; use --resume, --force or another --out.")
    known = None if truth is None else load_truth(truth, loaded_space, task).validated
    with join_processes(task.train.images.device) as world:
        if force and world.leads:  # an interruption must not leave the old run's checkpoint to be resumed
            for name in (CARD, LESSON, CHECKPOINT):
                (place / name).unlink(missing_ok=True)
        with saying_what_is_kept(lambda: _kept(place) if world.leads else ""):
            teacher = train_with_progress(task, loaded_space, settings, place, resume, world, truth=known, log=log)
    if not world.leads:
        return
    summary = _summary(teacher, place)
    if as_json:
        print_json(summary)
        return
    quality = teacher.card["quality"]
    note(
        f"teacher saved to [bold]{escape(str(place))}[/]: "
        f"{count(summary['outer_steps'], 'outer step')} in {summary['seconds']:.0f} s, "
        f"{count(quality['learners'], 'fresh learner')} ({count(quality['architectures'], 'architecture')}) "
        f"reach {quality['mean_validation_accuracy']:.3f} "
        f"± {quality['std']:.3f} on real validation images after {count(settings.teacher.steps, 'step')}."
    )
    words = ["--space", named, "--data", data, *(["--teacher", str(out)] if out is not None else [])]
    words += [] if train_limit is None else ["--train-limit", str(train_limit)]
    note(escape(f"next: gtn-nas search {shlex.join(words)} --storage sqlite:///nas.db"))


def train_with_progress(
    task: Task,
    space: SearchSpace,
    settings: Settings,
    out: Path,
    resume: bool,
    world: World = ALONE,
    *,
    truth: Truth | None = None,
    log: Path | None = None,
) -> FrozenTeacher:
    """Train with a live view, and a TensorBoard log in ``log``."""

    def train(on_step: Callable[[MetaTrainer, OuterStep], None] | None) -> FrozenTeacher:
        return train_teacher(
            task,
            space,
            settings.teacher,
            settings.meta,
            out,
            truth=truth,
            resume=resume,
            on_step=on_step,
            world=world,
        )

    if not world.leads:
        return train(None)
    with (
        TrainingView(_first_phase(settings, resume)) as view,
        TensorBoardLog(log) if log is not None else nullcontext() as written,
    ):

        def show(trainer: MetaTrainer, step: OuterStep) -> None:
            view.add(trainer, step)
            if written is not None:
                written.add(trainer, step)

        return train(show)


def _kept(out: Path) -> str:
    if not can_resume(out):
        return "nothing to save yet: no outer step was taken; the same command starts anew."
    return (
        f"checkpoint saved to [bold]{escape(str(out))}[/]; train-teacher with the same settings and --resume goes on."
    )


def _first_phase(settings: Settings, resume: bool) -> str:
    """Say what is done before the first outer step."""
    warms = settings.teacher.kind == "generator" and settings.teacher.warm_start > 0
    return "warm start on real images" if warms and not resume else "first outer step"


def _summary(teacher: FrozenTeacher, out: Path) -> dict[str, Any]:
    card = {name: value for name, value in teacher.card.items() if name != "curve"}
    return {"folder": str(out), "fingerprint": teacher.fingerprint, "config": teacher.config.model_dump(), **card}
