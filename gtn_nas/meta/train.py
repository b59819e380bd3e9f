"""Train a teacher from start (or checkpoint) to a saved folder with its measured quality."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from gtn_nas.device import describe_hardware, describe_versions
from gtn_nas.meta.checkpoint import CHECKPOINT, restore_checkpoint, save_checkpoint
from gtn_nas.meta.config import MetaConfig
from gtn_nas.meta.fitness import require_fit
from gtn_nas.meta.held_out import hold_out
from gtn_nas.meta.inner import inner_optimiser
from gtn_nas.meta.labeller import make_labeller
from gtn_nas.meta.misplaced import Look, misplaced
from gtn_nas.meta.moment import Moment
from gtn_nas.meta.trainer import MetaTrainer, OuterStep
from gtn_nas.meta.validation import grades, validate
from gtn_nas.processes import ALONE, World
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.frozen import FrozenTeacher, save_teacher
from gtn_nas.teacher.lesson import Lesson
from gtn_nas.teacher.teacher import Teacher

__all__ = ["Truth", "can_resume", "freeze", "measure_quality", "start_training", "train_teacher"]

_CHECKPOINT_SECONDS = 30.0
_WARM_START_SHARE = 0.15  # of a time budget, at most
_QUALITY_SEED = 1000  # validations count from 0
_LOOK_SEED = 100_000
Truth = Sequence[tuple[Architecture, float]]


def train_teacher(
    task: Task,
    space: SearchSpace,
    teacher_config: TeacherConfig,
    config: MetaConfig,
    folder: Path,
    *,
    truth: Truth | None = None,
    resume: bool = False,
    on_step: Callable[[MetaTrainer, OuterStep], None] | None = None,
    world: World = ALONE,
) -> FrozenTeacher:
    """Meta-train a teacher and save it to ``folder``.

    Every ``config.validate_every`` steps, and at the end, the teacher is tried on architectures that training
    never draws, and the best one by mean accuracy is kept; by rank correlation, where ``truth`` gives
    architectures with their real accuracies.

    A checkpoint is written after the first outer step, every half minute, and when the training is
    interrupted (KeyboardInterrupt, which is raised again); ``resume`` takes it up. Of several processes each
    trains its own learners, and the leader alone writes.
    """
    trainer = start_training(task, space, teacher_config, config, folder if resume else None, world, truth)
    saved = -math.inf  # the first outer step is saved at once: a fault of the disk shows before hours are spent
    try:
        _validate_if_due(trainer)  # it may have been interrupted there
        while not trainer.finished:
            _look_if_due(trainer)
            step = trainer.step()
            _validate_if_due(trainer)
            if on_step is not None:
                on_step(trainer, step)
            if world.leads and time.monotonic() - saved > _CHECKPOINT_SECONDS:
                save_checkpoint(trainer, folder)
                saved = time.monotonic()
    finally:
        # Half an update is worth less than the last checkpoint.
        if world.leads and trainer.curve and trainer.between_steps:
            save_checkpoint(trainer, folder)
    frozen = freeze(trainer)
    if not world.leads:
        return frozen
    save_teacher(frozen, folder)  # before it is measured: whatever fails there, the teacher is not lost
    frozen.card["quality"] = measure_quality(frozen, task, space, trainer.held_out.quality)
    save_teacher(frozen, folder)
    return frozen


def start_training(
    task: Task,
    space: SearchSpace,
    teacher_config: TeacherConfig,
    config: MetaConfig,
    resume_from: Path | None,
    world: World = ALONE,
    truth: Truth | None = None,
) -> MetaTrainer:
    """Return a trainer at its first outer step, or where the checkpoint in ``resume_from`` left off."""
    began = Moment.now()
    require_fit(space, task, config.seed, teacher_config.batch_size)  # before the work
    rule, fresh = inner_optimiser(teacher_config.inner), resume_from is None
    labeller = make_labeller(task, config.seed, trained=fresh) if teacher_config.targets == "soft" else None
    rate = teacher_config.learning_rate
    hyperparameters = rule.hyperparameters if rate is None else rule.begun_at(rate)
    teacher = Teacher(teacher_config, task, hyperparameters, config.seed, labeller, rule.decay)
    teacher.to(task.train.images.device)
    if fresh:
        seconds = math.inf if config.minutes is None else _WARM_START_SHARE * 60 * config.minutes
        teacher.resemble_real_images(task, config.seed, seconds)
        world.follow_leader([*teacher.parameters(), *teacher.buffers()])
    held_out = hold_out(space, config.validation_architectures, truth, config.ranked)
    trainer = MetaTrainer(teacher, space, task, config, held_out, world, began)
    if resume_from is not None:
        restore_checkpoint(trainer, resume_from)
    return trainer


def _validate_if_due(trainer: MetaTrainer) -> None:
    every, taken = trainer.config.validate_every, len(trainer.curve)
    last = trainer.validations[-1].outer_steps if trainer.validations else 0
    if every and taken > last and (taken % every == 0 or trainer.finished):
        lesson, held = trainer.lesson(), trainer.held_out
        frozen = FrozenTeacher(lesson, trainer.teacher.config)
        found = validate(frozen, trainer.space, trainer.task, held.validation, held.truth, taken, trainer.world)
        trainer.add_validation(found, lesson)


def _look_if_due(trainer: MetaTrainer) -> None:
    """See whom the lesson places too low, where that steers sampling: at first, and as often as it is validated."""
    config, taken, latest = trainer.config, len(trainer.curve), trainer.look
    if config.sampling != "misplaced" or taken % config.validate_every or (latest and latest.outer_steps == taken):
        return
    architectures, accuracies = zip(*trainer.held_out.ranked, strict=True)
    frozen = FrozenTeacher(trainer.lesson(), trainer.teacher.config)
    first = _LOOK_SEED + taken  # other initialisations than the last look had
    found = grades(frozen, trainer.space, trainer.task, architectures, trainer.world, first)
    trainer.follow(Look(taken, misplaced([grade.loss for grade in found], accuracies)))


def freeze(trainer: MetaTrainer) -> FrozenTeacher:
    """Return the best teacher so far, or the latest where none was validated, as plain tensors with its card."""
    space, task, spent = trainer.space, trainer.task, trainer.spent
    card: dict[str, Any] = {
        "task": task.name,
        "source": task.source,
        "train_limit": task.train_limit,
        "task_fingerprint": task.fingerprint,
        "image_shape": list(task.image_shape),
        "classes": task.classes,
        "pixel_mean": list(task.mean),
        "pixel_std": list(task.std),
        "space": space.name,
        "space_source": space.origin or space.name,
        "space_fingerprint": space.fingerprint,
        "meta": trainer.config.model_dump(),
        "outer_steps": len(trainer.curve),
        "seconds": spent.wall,
        "cpu_seconds": spent.cpu,
        "diverged": sum(step.diverged for step in trainer.curve),
        "hardware": describe_hardware(task.train.images.device),
        "versions": describe_versions(),
        "curve": [{k: round(v, 5) for k, v in asdict(step).items() if k != "diverged"} for step in trainer.curve],
        "validation": [asdict(validation) for validation in trainer.validations],
        "chosen_on": sorted({space.key(architecture) for architecture in trainer.held_out.known}),
        "processes": trainer.world.size,
    }
    lesson: Lesson = trainer.lesson() if trainer.best is None else trainer.best
    return FrozenTeacher(lesson, trainer.teacher.config, card)


def measure_quality(
    frozen: FrozenTeacher, task: Task, space: SearchSpace, architectures: Sequence[Architecture]
) -> dict[str, float | int]:
    """Teach learners of ``architectures``, from seeds that no choice has used, and examine them."""
    graded = grades(frozen, space, task, architectures, first_seed=_QUALITY_SEED)
    found = [grade.accuracy for grade in graded]
    return {
        "architectures": len({space.key(architecture) for architecture in architectures}),
        "learners": len(found),
        "mean_validation_accuracy": float(np.mean(found)),
        "std": float(np.std(found)),
    }


def can_resume(folder: Path) -> bool:
    """Return whether ``folder`` holds a checkpoint."""
    return (folder / CHECKPOINT).is_file()
