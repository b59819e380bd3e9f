"""Options that several verbs share, and what they open."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from gtn_nas.device import pick_device, set_threads
from gtn_nas.errors import UserError
from gtn_nas.space import SearchSpace, load_space
from gtn_nas.task import Task, load_task
from gtn_nas.teacher.frozen import FrozenTeacher

__all__ = [
    "ConfigOption",
    "DataOption",
    "DeviceOption",
    "JsonOption",
    "SetOption",
    "SpaceOption",
    "StorageOption",
    "TeachersDataOption",
    "TeachersSpaceOption",
    "ThreadsOption",
    "TrainLimitOption",
    "open_for_teacher",
    "open_space_and_task",
    "parse_minutes",
]

DataOption = Annotated[
    str,
    typer.Option(
        "--data",
        help="digits, mnist, fashion_mnist, kmnist, cifar10, cifar100, svhn, .npz or folder; @16 after it averages its "
        "images down to 16×16",
    ),
]
TeachersDataOption = Annotated[
    str | None, typer.Option("--data", help="data set, as for train-teacher", show_default="the teacher's")
]
TeachersSpaceOption = Annotated[
    str | None, typer.Option("--space", help="search space, as for train-teacher", show_default="the teacher's")
]
SpaceOption = Annotated[str, typer.Option("--space", help="search space by name, path/to/file.py:Class, or nni:NAME")]
StorageOption = Annotated[
    str | None,
    typer.Option(help="Optuna storage: sqlite:///nas.db, postgresql://user@host/database, grpc://host:port, …"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="print the result as JSON on stdout")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto (CUDA when it is there), cpu, cuda, cuda:1, …")]
ThreadsOption = Annotated[
    int | None, typer.Option("--threads", help="threads to compute with", show_default="PyTorch's")
]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="TOML file with the groups teacher, meta, recipe")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="GROUP.NAME=VALUE", help="change what gtn-nas settings lists; repeatable"),
]
TrainLimitOption = Annotated[int | None, typer.Option("--train-limit", min=1, help="use only so many training images")]


def open_space_and_task(
    space: str, data: str, device: str, threads: int | None, train_limit: int | None = None
) -> tuple[SearchSpace, Task]:
    """Load both, the task's tensors on the device.

    Raises:
        UserError: one of them does not load, they do not fit together, or the device is not there.
    """
    set_threads(threads)
    place = pick_device(device)
    loaded, task = load_space(space), load_task(data, place, train_limit)
    loaded.check_task(task)
    return loaded, task


def open_for_teacher(
    teacher: FrozenTeacher,
    space: str | None,
    data: str | None,
    device: str,
    threads: int | None,
    train_limit: int | None,
) -> tuple[SearchSpace, Task]:
    """Load what the user named or, where nothing was named, what the teacher was trained for."""
    card = teacher.card
    return open_space_and_task(
        space or str(card.get("space_source") or card["space"]),
        data or str(card.get("source") or card["task"]),
        device,
        threads,
        train_limit if train_limit is not None else card.get("train_limit"),
    )


def parse_minutes(text: str) -> float:
    """Return the minutes of ``90s``, ``20m`` or ``2h``.

    Raises:
        UserError: ``text`` is none of these, has no unit, or is not positive.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if match is not None and not match[2]:
        raise UserError(f"--time-budget {match[1]} has no unit; write {match[1]}s, {match[1]}m or {match[1]}h.")
    minutes = 0.0 if match is None else float(match[1]) * {"s": 1 / 60, "m": 1.0, "h": 60.0}[match[2]]
    if minutes <= 0:
        raise UserError(f"--time-budget must be a positive time such as 90s, 20m or 2h, but got {text!r}.")
    return minutes
