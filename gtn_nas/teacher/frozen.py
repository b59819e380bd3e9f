"""The frozen teacher: a lesson as plain tensors with its card, all that is needed to train any model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
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
_PACKED = ("images8", "pixel_low", "pixel_high")


@dataclass(frozen=True)
class FrozenTeacher:
    """A lesson, how learners are to be taught and examined with it, and what is known about it.

    ``packed`` holds the bytes that the lesson's images were made of, for a teacher that is stored so.
    """

    lesson: Lesson
    config: TeacherConfig
    card: dict[str, Any] = field(default_factory=dict)
    packed: Mapping[str, Tensor] | None = None

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all that decides a score: tensors, inner optimiser, statistics."""
        deciding = self.config.model_dump(include={"inner", "statistics", "statistics_batches"})
        digest = hashlib.sha256(json.dumps(deciding, sort_keys=True).encode())
        for name, tensor in sorted(self.lesson.tensors().items()):
            digest.update(name.encode())
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def protocol(self, task: Task) -> Protocol:
        """Return whose statistics batch-norm layers use when a taught learner is examined."""
        images = task.train.images[:256] if self.config.statistics == "real" else None
        return Protocol(self.config.statistics, self.config.statistics_batches, images)

    def quantised(self) -> FrozenTeacher:
        """Return the teacher with its pixels rounded to 256 levels per channel, which are then stored as bytes."""
        packed = _pack(self.lesson.images) if self.packed is None else self.packed
        return replace(self, lesson=replace(self.lesson, images=_unpack(packed)), packed=packed)

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

    def for_any_space(self) -> FrozenTeacher:
        """Return the teacher without the space that it was trained across, to see how far it carries."""
        return replace(self, card={**self.card, "space_fingerprint": None})

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
    tensors = teacher.lesson.tensors()
    if teacher.packed is not None:
        del tensors["images"]
        tensors |= teacher.packed
    plain = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(folder / LESSON, save(plain))
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
        made_with = card["format"]
        if made_with == _FORMAT:
            tensors = load_file(folder / LESSON)
            packed = {name: tensors[name] for name in _PACKED} if _PACKED[0] in tensors else None
            if packed is not None:
                tensors["images"] = _unpack(packed)
            teacher = FrozenTeacher(Lesson.of_tensors(tensors), TeacherConfig(**card["config"]), card, packed)
            found = teacher.fingerprint
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError, OSError) as error:
        what = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(f"the teacher in {folder} is damaged ({what}); train it again or copy it anew.") from error
    if made_with != _FORMAT:
        raise UserError(
            f"the teacher in {folder} has format {made_with}, this version reads {_FORMAT}; train it again."
        )
    if card.get("fingerprint") != found:
        raise UserError(
            f"the teacher in {folder} is damaged: {LESSON} does not match the fingerprint in {CARD}; copy it anew."
        )
    return teacher


def _pack(images: Tensor) -> dict[str, Tensor]:
    """Return pixels ``[T, B, C, H, W]`` as bytes between the lowest and the highest of their channel ``[C]``."""
    flat = images.transpose(0, 2).flatten(1)
    low, high = flat.amin(1), flat.amax(1)
    shape = (-1, 1, 1)
    levels = (images - low.view(shape)) / (high - low).clamp_min(1e-12).view(shape) * 255
    return dict(zip(_PACKED, (levels.round().to(torch.uint8), low, high), strict=True))


def _unpack(packed: Mapping[str, Tensor]) -> Tensor:
    low, high = packed["pixel_low"].view(-1, 1, 1), packed["pixel_high"].view(-1, 1, 1)
    return low + (high - low) * (packed["images8"].float() / 255)
