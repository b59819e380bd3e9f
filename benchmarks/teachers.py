"""Claim: networks that a teacher has never seen reach this accuracy on real test images, beside real data's.

    python benchmarks/teachers.py TEACHER [--architectures 48] [--seeds 5] [--proxy NAME]... [--append FILE]

Draws architectures that neither training nor the choice of the teacher has seen (for a space of one, that one),
teaches each from ``--seeds`` initialisations, and examines it on the whole test split; then the same with real
images in the lesson's place, as many steps and as large batches: drawn anew, and a fixed class-balanced subset,
both by Muon at its default rates; and that subset by the teacher's own learned schedule.
Prints one line of JSON: means, their spread, and the mean of every class of architectures.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from optuna.distributions import CategoricalDistribution
from result_line import hand_over

from gtn_nas.device import pick_device
from gtn_nas.memory import keep_freed_memory
from gtn_nas.meta.inner import inner_optimiser
from gtn_nas.meta.learner import Learner
from gtn_nas.meta.teach import grade, teach
from gtn_nas.proxy import RealSubset, make_proxies
from gtn_nas.proxy.base import SCORE_SEEDS
from gtn_nas.proxy.lesson_proxy import LessonProxy
from gtn_nas.seeding import seeded
from gtn_nas.space import Architecture, SearchSpace, load_space
from gtn_nas.task import Task, load_task
from gtn_nas.teacher.frozen import FrozenTeacher, load_teacher
from gtn_nas.teacher.lesson import Lesson

SAMPLE_SEED = 20_261_123  # no choice was made on what it draws (what 20_261_122 drew was looked at)
OWN_SCHEDULE = "real_subset_by_its_schedule"
LESSONS = ("gtn", "real_steps", "real_subset", OWN_SCHEDULE)


class BySchedule(RealSubset):
    """A real subset taught by the teacher's learned schedule: what is left to the teacher's images is its lead."""

    name = OWN_SCHEDULE

    def __init__(self, space: SearchSpace, task: Task, teacher: FrozenTeacher) -> None:
        config = teacher.config
        super().__init__(space, task, config.steps, config.batch_size, config.statistics_batches)
        self.rule, self.schedule = inner_optimiser(config.inner), teacher.lesson.hyper

    def lesson(self, seed: int) -> Lesson:
        """Draw T real batches."""
        return replace(super().lesson(seed), hyper=self.schedule)


def unseen(space: SearchSpace, count: int, chosen_on: set[str]) -> list[Architecture]:
    """Draw architectures; those that the teacher was chosen by are left out where the space holds others."""
    if space.size < count + len(chosen_on):
        return space.sample_many(int(min(space.size, count)), SAMPLE_SEED)
    drawn = space.sample_many(count + len(chosen_on), SAMPLE_SEED)
    return [architecture for architecture in drawn if space.key(architecture) not in chosen_on][:count]


def test_accuracies(proxy: LessonProxy, architectures: list[Architecture], seeds: int) -> tuple[np.ndarray, float]:
    """Return test accuracies ``[n, seeds]`` and the CPU seconds that one took."""
    task, found, began = proxy.task, np.zeros((len(architectures), seeds)), time.process_time()
    for i, architecture in enumerate(architectures):
        for seed in range(seeds):
            with seeded(SCORE_SEEDS + seed):
                learner = Learner(proxy.space.build(architecture, task).to(task.test.images.device))
                taught = teach(learner, learner.initial, proxy.lesson(seed), proxy.rule, proxy.protocol)
            found[i, seed] = grade(learner, taught, task.test).accuracy
    return found, (time.process_time() - began) / found.size


def by_class(space: SearchSpace, architectures: list[Architecture], means: np.ndarray) -> dict[str, dict[str, float]]:
    """Return the mean accuracy of every choice of every categorical parameter."""
    table: dict[str, dict[str, float]] = {}
    for name, distribution in space.parameters.items():
        if isinstance(distribution, CategoricalDistribution) and len(distribution.choices) > 1:
            values = np.array([str(architecture[name]) for architecture in architectures])
            table[name] = {value: round(float(means[values == value].mean()), 4) for value in sorted(set(values))}
    return table


def summary(found: np.ndarray) -> dict[str, float]:
    """Return the mean, its spread over architectures, and the median spread over initialisations of one."""
    each = found.mean(axis=1)
    return {
        "mean": round(float(found.mean()), 4),
        "std_over_architectures": round(float(each.std()), 4),
        "std_over_seeds": round(float(np.median(found.std(axis=1))), 4),
        "worst": round(float(each.min()), 4),
    }


def progress(card: dict[str, Any]) -> list[tuple[float, float]]:
    """Return minutes of training and the accuracy of the architectures that the teacher was chosen by."""
    minutes = np.cumsum([step["seconds"] for step in card["curve"]]) / 60
    return [(round(float(minutes[v["outer_steps"] - 1]), 1), round(v["accuracy"], 3)) for v in card["validation"]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("--architectures", type=int, default=48)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--proxy", action="append", choices=LESSONS, help="all four")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--append", type=Path)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    teacher = load_teacher(options.teacher)
    card = teacher.card
    space: SearchSpace = load_space(card["space_source"])
    task: Task = load_task(card["source"], pick_device(options.device), card.get("train_limit"))
    architectures = unseen(space, options.architectures, set(card["chosen_on"]))
    steps, batch = teacher.config.steps, teacher.config.batch_size
    names = options.proxy or LESSONS
    proxies = list(make_proxies([name for name in names if name != OWN_SCHEDULE], space, task, [teacher]).values())
    proxies += [BySchedule(space, task, teacher)] if OWN_SCHEDULE in names else []
    result: dict[str, Any] = {
        "claim": "test accuracy of networks that the teacher has not seen",
        "command": f"python benchmarks/teachers.py {' '.join(map(str, sys.argv[1:]))}",
        "task": card["task"], "space": card["space"], "steps": steps, "batch_size": batch,
        "teacher": teacher.fingerprint, "outer_steps": card["outer_steps"], "training_seconds": round(card["seconds"]),
        "minutes_and_validation_accuracy": progress(card),
        "n": len(architectures), "seeds": options.seeds, "test_images": len(task.test),
    }  # fmt: skip
    for proxy in proxies:
        assert isinstance(proxy, LessonProxy)
        found, seconds = test_accuracies(proxy, architectures, options.seeds)
        result[proxy.name] = {**summary(found), "cpu_seconds": round(seconds, 3)}
        if proxy.name == "gtn":
            result["by_class"] = by_class(space, architectures, found.mean(axis=1))
        print(proxy.name, result[proxy.name], file=sys.stderr)
    hand_over(result, task.test.images.device, options.append)


if __name__ == "__main__":
    main()
