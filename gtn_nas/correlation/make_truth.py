"""Make a truth table: train random architectures on real data, resumably, in parallel processes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from gtn_nas.correlation.truth import Training, read_trainings
from gtn_nas.device import describe_hardware, describe_versions
from gtn_nas.errors import UserError
from gtn_nas.files import write_atomically
from gtn_nas.parallel import map_unordered
from gtn_nas.search.evaluator import CandidateFailed, its_own_fault
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.task import Task
from gtn_nas.training import Recipe, train_architecture

__all__ = ["make_truth", "train_one"]

OnTraining = Callable[[Training, int, int], None]
OnFailure = Callable[[CandidateFailed], None]


def make_truth(
    path: Path,
    space: SearchSpace,
    task: Task,
    recipe: Recipe,
    *,
    architectures: int,
    seeds: int,
    sample_seed: int,
    workers: int = 1,
    on_training: OnTraining | None = None,
    on_failure: OnFailure | None = None,
) -> int:
    """Append the missing trainings to ``path``, one line as each finishes; return how many were made.

    Architectures are drawn with ``sample_seed``; raising ``architectures`` or ``seeds`` later extends the
    table. With several workers each trains one architecture on its share of the threads. ``on_failure`` is told of
    every one that cannot be trained; it has no line, and the next call tries it again.

    Raises:
        UserError: ``path`` holds trainings of another space, task or recipe, or none at all could be trained.
    """
    done = _resume(path, space, task, recipe)
    wanted = [
        (architecture, seed)
        for architecture in space.sample_many(architectures, sample_seed)
        for seed in range(seeds)
        if (space.key(architecture), seed) not in done
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    made, failures = 0, list[CandidateFailed]()
    with path.open("a", encoding="utf-8") as table:
        for _, training in map_unordered(_train_job, (space, task, recipe), wanted, workers):
            if isinstance(training, CandidateFailed):
                failures.append(training)
                if on_failure is not None:
                    on_failure(training)
                continue
            table.write(training.to_line() + "\n")
            table.flush()
            os.fsync(table.fileno())
            made += 1
            if on_training is not None:
                on_training(training, len(done) + made, len(done) + len(wanted))
    if failures and not done and not made:
        raise UserError(
            f"none of {architectures} architectures of space {space.name} could be trained (first reason: "
            f"{failures[0]}); gtn-nas spaces says what is wrong with a space."
        )
    return made


def train_one(space: SearchSpace, task: Task, recipe: Recipe, architecture: Architecture, seed: int) -> Training:
    """Train one architecture with one seed."""
    result = train_architecture(space, task, recipe, architecture, seed)
    return Training(
        key=space.key(architecture),
        seed=seed,
        architecture=architecture,
        test_accuracy=result.test_accuracy,
        validation_accuracy=result.validation_accuracy,
        params=result.params,
        seconds=result.seconds,
        cpu_seconds=result.cpu_seconds,
        space=space.name,
        space_fingerprint=space.fingerprint,
        task=task.name,
        task_fingerprint=task.fingerprint,
        recipe=recipe.model_dump(),
        hardware=describe_hardware(task.train.images.device),
        versions=describe_versions(),
    )


def _resume(path: Path, space: SearchSpace, task: Task, recipe: Recipe) -> set[tuple[str, int]]:
    if not path.is_file():
        return set()
    trainings = read_trainings(path)
    for training in trainings:
        mine = (space.fingerprint, task.fingerprint, recipe.model_dump())
        if (training.space_fingerprint, training.task_fingerprint, training.recipe) != mine:
            raise UserError(
                f"{path} holds trainings of space {training.space!r}, task {training.task!r} and recipe "
                f"{training.recipe}, which are not this run's; give another --out."
            )
    if not path.read_bytes().endswith(b"\n"):  # a kill cut the last line short: leave only what is whole
        write_atomically(path, "".join(training.to_line() + "\n" for training in trainings))
    return {(training.key, training.seed) for training in trainings}


def _train_job(shared: tuple[SearchSpace, Task, Recipe], job: tuple[Architecture, int]) -> Training | CandidateFailed:
    try:
        with its_own_fault():
            return train_one(*shared, *job)
    except CandidateFailed as failure:
        return failure
