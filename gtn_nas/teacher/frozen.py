"""The frozen teacher: a lesson as plain tensors with its card, all that is needed to train any model."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gtn_nas.errors import UserError
from gtn_nas.files import write_atomically
from gtn_nas.space import SearchSpace
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.lesson import Lesson
from gtn_nas.teacher.protocol import Protocol

__all__ = ["CARD", "LESSON", "FrozenTeacher", "load_teacher", "save_teacher"]

LESSON = "lesson.safetensors"
CARD = "teacher.json"
_FORMAT = 1


@dataclass(frozen=True)
class FrozenTeacher:
    """A lesson, how learners are to be taught and examined with it, and what is known about it."""

    lesson: Lesson
    config: TeacherConfig
    card: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all that decides a score: tensors, inner optimiser, statistics."""
        digest = hashlib.sha256(json.dumps(self.config.model_dump(), sort_keys=True).encode())
        for name, tensor in sorted(_tensors(self.lesson).items()):
            digest.update(name.encode())
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def protocol(self, task: Task) -> Protocol:
        """Return whose statistics batch-norm layers use when a taught learner is examined."""
        images = task.train.images[:256] if self.config.statistics == "real" else None
        return Protocol(self.config.statistics, self.config.statistics_batches, images)

    def check_task(self, task: Task) -> None:
        """Refuse a task that the teacher was not made for.

        Raises:
            UserError: names the field that disagrees, with both values.
        """
        shape, classes = list(self.lesson.images.shape[2:]), self.card.get("classes")
        fields = [
            ("image shape", shape, list(task.image_shape)),
            ("class count", classes, task.classes),
            ("task fingerprint", self.card.get("task_fingerprint"), task.fingerprint),
        ]
        for name, mine, theirs in fields:
            if mine is not None and mine != theirs:
                raise UserError(
                    f"this teacher does not fit task {task.name!r}: its {name} is {mine}, the task's is {theirs}; "
                    "use the teacher's own --data, or train one for this task."
                )

    def check_space(self, space: SearchSpace) -> None:
        """Refuse a space that the teacher was not trained across.

        Raises:
            UserError: the space's fingerprint is another.
        """
        mine = self.card.get("space_fingerprint")
        if mine is not None and mine != space.fingerprint:
            raise UserError(
                f"this teacher was trained across space {self.card.get('space')!r} (fingerprint {mine}), not "
                f"{space.name!r} ({space.fingerprint}); use the teacher's own --space, or train one for this space."
            )


def save_teacher(teacher: FrozenTeacher, folder: Path) -> None:
    """Write ``lesson.safetensors`` and ``teacher.json`` into ``folder``, the card last."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{LESSON}.tmp"
    save_file({name: tensor.cpu().contiguous() for name, tensor in _tensors(teacher.lesson).items()}, temporary)
    os.replace(temporary, folder / LESSON)
    card = {
        "format": _FORMAT,
        "fingerprint": teacher.fingerprint,
        "config": teacher.config.model_dump(),
        **{name: value for name, value in teacher.card.items() if name not in ("format", "fingerprint", "config")},
    }
    write_atomically(folder / CARD, json.dumps(card, indent=1))


def load_teacher(folder: Path) -> FrozenTeacher:
    """Read a teacher's folder.

    Raises:
        UserError: no teacher is there, or its files are damaged or do not belong together.
    """
    if not (folder / CARD).is_file():
        raise UserError(f"no teacher in {folder} ({CARD} is missing); train one with gtn-nas train-teacher --out.")
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        config = TeacherConfig(**card["config"])
        tensors = load_file(folder / LESSON)
        hyper = {name.removeprefix("hyper."): t for name, t in tensors.items() if name.startswith("hyper.")}
        teacher = FrozenTeacher(Lesson(tensors["images"], tensors["targets"], hyper), config, card)
    except (json.JSONDecodeError, KeyError, TypeError, ValidationError, SafetensorError, OSError) as error:
        what = str(error).splitlines()[0]
        raise UserError(f"the teacher in {folder} is damaged ({what}); train it again or copy it anew.") from error
    if card.get("format") != _FORMAT:
        raise UserError(
            f"the teacher in {folder} has format {card.get('format')}, this version reads {_FORMAT}; train it again."
        )
    if card.get("fingerprint") != teacher.fingerprint:
        raise UserError(
            f"the teacher in {folder} is damaged: {LESSON} does not match the fingerprint in {CARD}; copy it anew."
        )
    return teacher


def _tensors(lesson: Lesson) -> dict[str, Tensor]:
    hyper = {f"hyper.{name}": values for name, values in lesson.hyper.items()}
    targets = lesson.targets if lesson.targets.is_floating_point() else lesson.targets.to(torch.int64)
    return {"images": lesson.images.detach(), "targets": targets.detach(), **hyper}
