"""Where a study's runs work: the task, and teachers that are trained once."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gtn_nas.fingerprint import fingerprint
from gtn_nas.meta.checkpoint import CHECKPOINT
from gtn_nas.meta.config import MetaConfig
from gtn_nas.meta.train import can_resume, train_teacher
from gtn_nas.meta.trainer import MetaTrainer, OuterStep
from gtn_nas.report.tensorboard import TensorBoardLog
from gtn_nas.space import SearchSpace
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.frozen import CARD, FrozenTeacher, load_teacher

__all__ = ["OnStep", "Workshop"]

OnStep = Callable[[MetaTrainer, OuterStep], None]


@dataclass(frozen=True)
class Workshop:
    """A study's task and folder; ``on_step`` sees every outer step."""

    task: Task
    folder: Path
    on_step: OnStep | None = None

    def teacher(self, space: SearchSpace, config: TeacherConfig, meta: MetaConfig, label: str) -> FrozenTeacher:
        """Return the teacher of these settings, trained here before, trained further, or trained now.

        ``label`` names it in TensorBoard. A kill costs what came after the trainer's last checkpoint.

        Raises:
            UserError: nearly all learners diverged, or the space does not fit the task.
        """
        settings = [self.task.fingerprint, space.fingerprint, config.model_dump(), meta.model_dump()]
        folder = self.folder / "teachers" / fingerprint(json.dumps(settings, sort_keys=True))
        if not _is_finished(folder):
            with self.log(label) as log:

                def on_step(trainer: MetaTrainer, step: OuterStep) -> None:
                    if log is not None:
                        log.add(trainer, step)
                    if self.on_step is not None:
                        self.on_step(trainer, step)

                resume = can_resume(folder)
                train_teacher(self.task, space, config, meta, folder, resume=resume, on_step=on_step)
            (folder / CHECKPOINT).unlink(missing_ok=True)  # a published generator's takes more than a gigabyte
        return _on_device(load_teacher(folder), self.task)

    @contextmanager
    def log(self, label: str) -> Iterator[TensorBoardLog | None]:
        """Open the TensorBoard log of a run; None where TensorBoard is not installed."""
        if importlib.util.find_spec("tensorboard") is None:
            yield None
            return
        with TensorBoardLog(self.folder / "tensorboard" / label.replace("/", "-")) as log:
            yield log


def _is_finished(folder: Path) -> bool:
    """Return whether a teacher's card has its quality, which is written last."""
    try:
        card: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except OSError:
        return False
    return "quality" in card


def _on_device(teacher: FrozenTeacher, task: Task) -> FrozenTeacher:
    lesson = teacher.lesson.to(task.train.images.device)
    return FrozenTeacher(lesson, teacher.config, teacher.card, teacher.packed)
