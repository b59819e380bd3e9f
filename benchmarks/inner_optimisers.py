"""Claim: in a few steps Muon takes networks of all kinds equally far, which Adam does not, and ranks no worse.

    python benchmarks/inner_optimisers.py --data mnist --steps 32 --batch-size 64 [--truth TABLE] [--append FILE]

The lesson is a class-balanced subset of real training images, with an optimiser's constant or falling rate: what a
teacher begins with. Every row is one optimiser at one rate, on the same architectures, initialisations and images:
mean accuracy on validation images, its spread, the worst network, the mean of each normalisation. With a truth
table the architectures are the table's first ones and the row says how their scores rank them; the rest of the table
has no part in any choice. Prints one line of JSON a row.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from result_line import hand_over

from gtn_nas.correlation.stats import spearman
from gtn_nas.correlation.truth import TruthTable
from gtn_nas.memory import keep_freed_memory
from gtn_nas.meta.inner import inner_optimiser
from gtn_nas.meta.teach import teach_architecture
from gtn_nas.space import Architecture, load_space
from gtn_nas.task import balanced_images, load_task
from gtn_nas.teacher.lesson import Lesson
from gtn_nas.teacher.protocol import Protocol
from gtn_nas.teacher.schedule import Schedule

ROWS = [  # optimiser, first rate, share of it that is left at the last step
    *[("adam", rate, 1.0) for rate in (0.002, 0.005, 0.01)],
    *[("adam", rate, 0.1) for rate in (0.005, 0.01)],
    ("momentum", 0.02, 1.0),
    ("muon", 0.05, 1.0),
    *[("muon", rate, 0.1) for rate in (0.02, 0.05, 0.1)],
]
SUBSET_SEED, SAMPLE_SEED, FIRST_SEED = 5, 77, 500_000


def measure(options: argparse.Namespace) -> None:
    """Print a row for each optimiser and rate."""
    space, task = load_space(options.space), load_task(options.data, torch.device("cpu"))
    truth = None
    architectures: list[Architecture] = space.sample_many(options.architectures, SAMPLE_SEED)
    if options.truth is not None:
        table = TruthTable.load(options.truth, space, task)
        architectures = table.architectures[: options.architectures]
        truth = table.validation[: options.architectures]  # choices look at no test image
    rng = torch.Generator().manual_seed(SUBSET_SEED)
    chosen = balanced_images(task, options.steps * options.batch_size, rng).view(options.steps, options.batch_size)
    images, labels = task.train.images[chosen], task.train.labels[chosen]
    for name, rate, decay in ROWS:
        rule, began = inner_optimiser(name), time.process_time()
        schedule = Schedule({**rule.hyperparameters, "lr": rate}, options.steps, decay)
        lesson = Lesson(images, labels, schedule()).detach()
        scores = np.array(
            [
                teach_architecture(space, task, architecture, FIRST_SEED + i, lesson, rule, Protocol())[0].accuracy
                for i, architecture in enumerate(architectures)
            ]
        )
        norms = np.array([str(architecture.get("norm")) for architecture in architectures])
        row: dict[str, Any] = {
            "task": task.name, "steps": options.steps, "batch_size": options.batch_size,
            "optimiser": name, "rate": rate, "decay": decay, "n": len(scores),
            "mean": round(float(scores.mean()), 4), "std": round(float(scores.std()), 4),
            "worst": round(float(scores.min()), 4),
            "by_norm": {norm: round(float(scores[norms == norm].mean()), 4) for norm in sorted(set(norms))},
            "cpu_seconds": round((time.process_time() - began) / len(scores), 3),
        }  # fmt: skip
        if truth is not None:
            found = spearman(scores, truth)
            row |= {"spearman": found.value, "ci95": found.ci95}
        hand_over(row, torch.device("cpu"), options.append)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="digits")
    parser.add_argument("--space", default="cnn_small")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--architectures", type=int, default=48)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--append", type=Path)
    keep_freed_memory()
    torch.set_num_threads(1)
    measure(parser.parse_args())


if __name__ == "__main__":
    main()
