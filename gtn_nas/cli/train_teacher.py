"""``gtn-nas train-teacher``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from gtn_nas.cli.options import (
    ConfigOption,
    DataOption,
    DeviceOption,
    JsonOption,
    SetOption,
    SpaceOption,
    ThreadsOption,
    TrainLimitOption,
    open_space_and_task,
)
from gtn_nas.cli.output import note, print_json, progress_bar
from gtn_nas.cli.settings import Settings, load_settings
from gtn_nas.errors import UserError
from gtn_nas.meta.checkpoint import CHECKPOINT
from gtn_nas.meta.train import can_resume, train_teacher
from gtn_nas.meta.trainer import MetaTrainer, OuterStep
from gtn_nas.processes import ALONE, World, join_processes
from gtn_nas.space import SearchSpace
from gtn_nas.task import Task
from gtn_nas.teacher.frozen import CARD, LESSON, FrozenTeacher

__all__ = ["parse_minutes", "train_teacher_command", "train_with_progress"]


def train_teacher_command(
    out: Annotated[Path, typer.Option("--out", help="folder for the teacher")],
    data: DataOption = "digits",
    space: SpaceOption = "cnn_small",
    iterations: Annotated[
        int | None, typer.Option(help="outer steps", min=1, show_default="1000, or what the time budget allows")
    ] = None,
    time_budget: Annotated[str | None, typer.Option(help="stop after this time, e.g. 90s, 20m or 2h")] = None,
    seed: Annotated[int | None, typer.Option(help="seed of everything random", min=0, show_default="0")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on from the checkpoint in --out")] = False,
    force: Annotated[bool, typer.Option("--force", help="train again where --out already holds a teacher")] = False,
    config: ConfigOption = None,
    assignments: SetOption = None,
    train_limit: TrainLimitOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Meta-train a teacher for a data set and a search space.

    Ctrl-C saves a checkpoint; the same command with --resume goes on from it. Under torchrun every process
    trains learners of its own, and their meta-gradients are averaged.
    """
    minutes = parse_minutes(time_budget) if time_budget is not None else None
    settings = load_settings(
        Settings, config, assignments or [], {"meta.iterations": iterations, "meta.minutes": minutes, "meta.seed": seed}
    )
    if resume and force:
        raise UserError("--resume goes on from what --force would remove; give one of the two.")
    if not (resume or force) and ((out / CARD).is_file() or can_resume(out)):
        raise UserError(f"{out} already holds a teacher or a checkpoint; use --resume, --force or another --out.")
    loaded_space, task = open_space_and_task(space, data, device, threads, train_limit)
    with join_processes(task.train.images.device) as world:
        if force and world.leads:  # an interruption must not leave the old run's checkpoint to be resumed
            for name in (CARD, LESSON, CHECKPOINT):
                (out / name).unlink(missing_ok=True)
        teacher = train_with_progress(task, loaded_space, settings, out, resume, world)
    if not world.leads:
        return
    summary = _summary(teacher, out)
    if as_json:
        print_json(summary)
        return
    quality = teacher.card["quality"]
    note(
        f"teacher saved to [bold]{escape(str(out))}[/]: "
        f"{summary['outer_steps']} outer steps in {summary['seconds']:.0f} s, "
        f"{quality['architectures']} unseen architectures reach {quality['mean_validation_accuracy']:.3f} "
        f"± {quality['std']:.3f} on real validation images after {settings.teacher.steps} steps."
    )
    note(escape(f"next: gtn-nas search --space {space} --data {data} --teacher {out} --storage sqlite:///nas.db"))


def train_with_progress(
    task: Task, space: SearchSpace, settings: Settings, out: Path, resume: bool, world: World = ALONE
) -> FrozenTeacher:
    """Train with a live line: step, meta-loss, meta-accuracy, time left; say how to resume when interrupted."""
    if not world.leads:
        return train_teacher(task, space, settings.teacher, settings.meta, out, resume=resume, world=world)
    with progress_bar(None) as progress:
        bar = progress.add_task("teacher", total=1.0, note="")
        smooth, diverged = _Running(), 0  # of this run alone

        def show(trainer: MetaTrainer, step: OuterStep) -> None:
            nonlocal diverged
            diverged += step.diverged
            text = f"step {step.number + 1} loss {smooth('loss', step.loss):.3f}"
            text += f" accuracy {smooth('accuracy', step.accuracy):.3f}"
            text += f" [red]diverged {diverged}[/]" if diverged else ""
            progress.update(bar, completed=trainer.progress, note=text)

        try:
            return train_teacher(
                task, space, settings.teacher, settings.meta, out, resume=resume, on_step=show, world=world
            )
        except KeyboardInterrupt:
            progress.stop()
            if can_resume(out):
                saved = f"checkpoint saved to [bold]{escape(str(out))}[/]"
                note(f"{saved}; train-teacher with the same settings and --resume goes on.")
            raise


def parse_minutes(text: str) -> float:
    """Return the minutes of ``90s``, ``20m``, ``2h`` or a plain number of minutes.

    Raises:
        UserError: ``text`` is none of these, or not positive.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    minutes = 0.0 if match is None else float(match[1]) * {"s": 1 / 60, "m": 1.0, "": 1.0, "h": 60.0}[match[2]]
    if minutes <= 0:
        raise UserError(f"--time-budget must be a positive time such as 90s, 20m or 2h, but got {text!r}.")
    return minutes


class _Running:
    """Exponential running means, bias-corrected, over about 20 steps."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, float]] = {}

    def __call__(self, name: str, value: float) -> float:
        total, weight = self._sums.get(name, (0.0, 0.0))
        total, weight = 0.95 * total + 0.05 * value, 0.95 * weight + 0.05
        self._sums[name] = (total, weight)
        return total / weight


def _summary(teacher: FrozenTeacher, out: Path) -> dict[str, Any]:
    card = {name: value for name, value in teacher.card.items() if name != "curve"}
    return {"folder": str(out), "fingerprint": teacher.fingerprint, "config": teacher.config.model_dump(), **card}
