"""Where teachers are kept: the user's own, and those that come with the package."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import platformdirs

from gtn_nas.errors import UserError
from gtn_nas.fingerprint import fingerprint
from gtn_nas.space import SearchSpace
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.frozen import CARD

__all__ = [
    "Stored",
    "find_teacher",
    "folder_of",
    "place_for",
    "shipped_folder",
    "store_folder",
    "stored_teachers",
]


@dataclass(frozen=True)
class Stored:
    """A teacher's folder and its card, unread and unchecked beyond that."""

    folder: Path
    card: Mapping[str, Any]
    origin: Literal["own", "shipped"]

    @property
    def quality(self) -> float:
        """Mean accuracy of unseen architectures on real validation images; -1 where it was never measured."""
        accuracy = self.group("quality").get("mean_validation_accuracy")
        return float(accuracy) if isinstance(accuracy, int | float) else -1.0

    def group(self, name: str) -> Mapping[str, Any]:
        """Return one group of the card's facts, an empty one where there is none."""
        found = self.card.get(name)
        return found if isinstance(found, dict) else {}

    def serves(self, task: Task, space: SearchSpace, wanted: Mapping[str, Any]) -> bool:
        """Whether it was made for this task and space, with these settings (``TeacherConfig`` names)."""
        if (self.card.get("task_fingerprint"), self.card.get("space_fingerprint")) != (
            task.fingerprint,
            space.fingerprint,
        ):
            return False
        config = self.group("config")
        return all(config.get(name) == value for name, value in wanted.items())


def store_folder() -> Path:
    """Return the folder of the user's teachers: ``GTN_NAS_TEACHERS``, or in the platform's data folder."""
    named = os.environ.get("GTN_NAS_TEACHERS")
    return Path(named) if named else platformdirs.user_data_path("gtn-nas") / "teachers"


def stored_teachers() -> Iterator[Stored]:
    """Yield all teachers, the user's own first; where a card cannot be read it is empty, and serves nobody."""
    places: list[tuple[Path, Literal["own", "shipped"]]] = [(store_folder(), "own"), (shipped_folder(), "shipped")]
    for root, origin in places:
        for path in sorted(root.glob(f"*/{CARD}")):
            try:
                card = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                card = None  # the list says so, and load_teacher what is wrong with it
            yield Stored(path.parent, card if isinstance(card, dict) else {}, origin)


def find_teacher(task: Task, space: SearchSpace, wanted: Mapping[str, Any]) -> Stored:
    """Return the best teacher by its measured quality for task, space and settings; the user's own go first.

    Args:
        task, space: what it must have been trained for.
        wanted: names and values of ``TeacherConfig`` that it must have been trained with.

    Raises:
        UserError: there is none; the message holds the command that trains one.
    """
    fitting = [teacher for teacher in stored_teachers() if teacher.serves(task, space, wanted)]
    if not fitting:
        words = ["--data", task.source or task.name, "--space", space.origin or space.name]
        words += [] if task.train_limit is None else ["--train-limit", str(task.train_limit)]
        words += [word for name, value in wanted.items() for word in ("--set", f"teacher.{name}={value}")]
        raise UserError(
            f"no teacher for task {task.name!r} and space {space.name!r} is in {store_folder()}; train one: "
            f"gtn-nas train-teacher {shlex.join(words)}"
        )
    return max(fitting, key=lambda teacher: (teacher.origin == "own", teacher.quality))


def place_for(task: Task, space: SearchSpace, config: TeacherConfig) -> Path:
    """Return the store's folder for a teacher of this task, space and settings."""
    settings = fingerprint(repr((task.fingerprint, space.fingerprint, sorted(config.model_dump().items()))))
    return store_folder() / f"{_plain(task.name)}-{_plain(space.name)}-{settings[:8]}"


def shipped_folder() -> Path:
    """Return the folder of the teachers that come with the package."""
    return Path(str(files("gtn_nas") / "shipped"))


def folder_of(named: Path) -> Path:
    """Return the folder of a teacher that is given by its folder, or else by its name in the list of teachers.

    Raises:
        UserError: it is neither.
    """
    if named.exists():
        return named
    for teacher in stored_teachers():  # the user's own first
        if teacher.folder.name == str(named):
            return teacher.folder
    raise UserError(
        f"no teacher in {str(named)!r}, and none has this name; gtn-nas teachers lists the names, "
        "gtn-nas train-teacher --out trains another."
    )


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.]+", "-", name).strip("-")
