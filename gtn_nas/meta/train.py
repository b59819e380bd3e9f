"""Train a teacher from start (or checkpoint) to a saved folder with its measured quality."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gtn_nas.device import describe_hardware, describe_versions
from gtn_nas.meta.checkpoint import CHECKPOINT, restore_checkpoint, save_checkpoint
from gtn_nas.meta.config import MetaConfig
from gtn_nas.meta.inner import inner_optimiser
from gtn_nas.meta.teach import teach_architecture
from gtn_nas.meta.trainer import MetaTrainer, OuterStep
from gtn_nas.processes import ALONE, World
from gtn_nas.space import SearchSpace
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.frozen import FrozenTeacher, save_teacher
from gtn_nas.teacher.teacher import Teacher, fit_to_real_images

__all__ = ["can_resume", "freeze", "measure_quality", "start_training", "train_teacher"]

_CHECKPOINT_SECONDS = 30.0
_WARM_START_SHARE = 0.15  # of a time budget, at most
_QUALITY_SEED = 2**31 - 1  # architectures that training, whose seeds are small, does not draw


def train_teacher(
    task: Task,
    space: SearchSpace,
    teacher_config: TeacherConfig,
    config: MetaConfig,
    folder: Path,
    *,
    resume: bool = False,
    on_step: Callable[[MetaTrainer, OuterStep], None] | None = None,
    world: World = ALONE,
) -> FrozenTeacher:
    """Meta-train a teacher and save it to ``folder``.

    A checkpoint is written after the first outer step, every half minute, and when the training is
    interrupted (KeyboardInterrupt, which is raised again); ``resume`` takes it up. Of several processes each
    trains its own learners, and the leader alone writes.
    """
    trainer = start_training(task, space, teacher_config, config, folder if resume else None, world)
    saved = -math.inf  # the first outer step is saved at once: a fault of the disk shows before hours are spent
    try:
        while not trainer.finished:
            step = trainer.step()
            if on_step is not None:
                on_step(trainer, step)
            if world.leads and time.monotonic() - saved > _CHECKPOINT_SECONDS:
                save_checkpoint(trainer, folder)
                saved = time.monotonic()
    finally:
        if world.leads and trainer.between_steps:  # half an update is worth less than the last checkpoint
            save_checkpoint(trainer, folder)
    frozen = freeze(trainer)
    if not world.leads:
        return frozen
    save_teacher(frozen, folder)  # before it is measured: whatever fails there, the teacher is not lost
    frozen.card["quality"] = measure_quality(frozen, task, space)
    save_teacher(frozen, folder)
    return frozen


def start_training(
    task: Task,
    space: SearchSpace,
    teacher_config: TeacherConfig,
    config: MetaConfig,
    resume_from: Path | None,
    world: World = ALONE,
) -> MetaTrainer:
    """Return a trainer at its first outer step, or where the checkpoint in ``resume_from`` left off."""
    rule = inner_optimiser(teacher_config.inner)
    teacher = Teacher(teacher_config, task, rule.hyperparameters, config.seed).to(task.train.images.device)
    trainer = MetaTrainer(teacher, space, task, config, world)
    if resume_from is not None:
        restore_checkpoint(trainer, resume_from)
    elif teacher_config.warm_start:  # its time counts with the first outer step's
        seconds = math.inf if config.minutes is None else _WARM_START_SHARE * 60 * config.minutes
        fit_to_real_images(teacher, task, teacher_config.warm_start, config.seed, seconds)
        world.follow_leader([*teacher.parameters(), *teacher.buffers()])
    return trainer


@torch.no_grad()
def freeze(trainer: MetaTrainer) -> FrozenTeacher:
    """Return the trainer's teacher as plain tensors with its card."""
    space, task = trainer.space, trainer.task
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
        "seconds": trainer.elapsed,
        "diverged": sum(step.diverged for step in trainer.curve),
        "hardware": describe_hardware(task.train.images.device),
        "versions": describe_versions(),
        "curve": [{k: round(v, 5) for k, v in asdict(step).items() if k != "diverged"} for step in trainer.curve],
        "processes": trainer.world.size,
    }
    return FrozenTeacher(trainer.teacher().detach(), trainer.teacher.config, card)


def measure_quality(
    frozen: FrozenTeacher, task: Task, space: SearchSpace, architectures: int = 16
) -> dict[str, float | int]:
    """Teach random architectures, drawn with a seed that training does not use, and examine them on validation."""
    architectures = int(min(architectures, space.size))
    rule, protocol = inner_optimiser(frozen.config.inner), frozen.protocol(task)
    accuracies = []
    for number, architecture in enumerate(space.sample_many(architectures, _QUALITY_SEED)):
        graded, _ = teach_architecture(space, task, architecture, number, frozen.lesson, rule, protocol)
        accuracies.append(graded.accuracy)
    return {
        "architectures": architectures,
        "mean_validation_accuracy": float(np.mean(accuracies)),
        "std": float(np.std(accuracies)),
    }


def can_resume(folder: Path) -> bool:
    """Return whether ``folder`` holds a checkpoint."""
    return (folder / CHECKPOINT).is_file()
