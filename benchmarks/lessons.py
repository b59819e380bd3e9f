"""Claim: real images that are shown in this way order architectures so well: what a teacher has to beat.

    python benchmarks/lessons.py TRUTH --show STEPSxSIZE[,soft][,balanced][,rate=R][,statistics=N] [--show …]...
        [--data DATA] [--space SPACE] [--part choice|final|all] [--train-limit N] [--append FILE]

Teaches every architecture of the table by real images and Muon, one initialisation each. ``soft``: targets are not
classes but what a network makes of the images at temperature 2: the table's best, trained by the table's recipe.
``balanced``: every batch has its classes in equal numbers. ``rate``: factor of the learning rates. ``statistics``: how
many batches' statistics count for batch norm (as many as hold 256 images). Prints a line of JSON for each: mean
accuracy, CPU seconds, and Spearman with real accuracy, by accuracy and by loss, with their 95 % intervals.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from fidelity import PARTS, part_of
from result_line import hand_over
from steps import ranked
from torch import Tensor, nn

from gtn_nas.correlation import TruthTable, load_truth
from gtn_nas.device import pick_device
from gtn_nas.memory import keep_freed_memory
from gtn_nas.proxy.real_lesson import RealSteps
from gtn_nas.seeding import seeded
from gtn_nas.space import SearchSpace, load_space
from gtn_nas.task import Task, balanced_images, load_task
from gtn_nas.teacher.lesson import Lesson
from gtn_nas.training import Recipe, predict, train_network

TEMPERATURE = 2.0
STATISTICS = 256  # images whose batch-norm statistics count, unless it is said


@dataclass(frozen=True)
class Showing:
    """How real images are shown."""

    steps: int
    size: int
    soft: bool = False
    balanced: bool = False
    rate: float = 1.0
    statistics: int = 0

    @classmethod
    def parse(cls, text: str) -> Showing:
        """Read ``64x32,soft,balanced,rate=0.5,statistics=8``."""
        numbers, *words = text.split(",")
        steps, size = map(int, numbers.split("x"))
        flags = {word: True for word in words if "=" not in word}
        values = dict(word.split("=") for word in words if "=" in word)
        rate, statistics = float(values.pop("rate", 1)), int(values.pop("statistics", 0))
        if unknown := {*flags, *values} - {"soft", "balanced"}:
            raise SystemExit(f"--show takes soft, balanced, rate and statistics, not {sorted(unknown)}.")
        return cls(steps, size, **flags, rate=rate, statistics=statistics or -(-STATISTICS // size))


class Shown(RealSteps):
    """Score after real images, shown as ``showing`` says; ``opinions`` ``[N, K]``: soft targets of all of them."""

    def __init__(self, space: SearchSpace, task: Task, showing: Showing, opinions: Tensor | None) -> None:
        super().__init__(space, task, showing.steps, showing.size, showing.statistics)
        self.showing, self.opinions = showing, opinions

    @cached_property
    def chosen(self) -> Tensor:
        """Numbers of the images ``[T, B]``: the same for every architecture."""
        rng = torch.Generator().manual_seed(0)
        shape = (self.steps, self.batch_size)
        if self.showing.balanced:
            return balanced_images(self.task, self.steps * self.batch_size, rng).view(shape)
        return self.draw(rng)

    def lesson(self, seed: int) -> Lesson:
        """Show them; ``seed`` decides the network's initialisation alone."""
        plain = super().lesson(seed)
        train, rate = self.task.train, self.showing.rate
        targets = train.labels if self.opinions is None else self.opinions
        hyper = {name: values * rate if name.startswith("lr") else values for name, values in plain.hyper.items()}
        return Lesson(train.images[self.chosen], targets[self.chosen], hyper)


def opinions_of(table: TruthTable, space: SearchSpace, task: Task) -> Tensor:
    """Train the best of ``table`` by its recipe; return what it makes of the training images ``[N, K]``."""
    best = table.architectures[int(table.mean.argmax())]
    with seeded(0):
        network: nn.Module = space.build(best, task).to(task.train.images.device)
        train_network(network, task, Recipe(**table.recipe), 0)
    return (predict(network, task.train.images) / TEMPERATURE).softmax(1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--show", action="append", type=Showing.parse, required=True)
    parser.add_argument("--data", default="fashion_mnist")
    parser.add_argument("--space", default="cnn_small")
    parser.add_argument("--part", choices=(*PARTS, "all"), default="choice")
    parser.add_argument("--train-limit", type=int)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--append", type=Path)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    space, task = load_space(options.space), load_task(options.data, pick_device(options.device), options.train_limit)
    table = load_truth(options.truth, space, task)
    if options.part != "all":
        table = table.without([key for key in table.keys if part_of(key) != options.part])
    opinions = opinions_of(table, space, task) if any(showing.soft for showing in options.show) else None
    for showing in options.show:
        found = ranked(Shown(space, task, showing, opinions if showing.soft else None), table)
        result = {
            "claim": "how well real images rank, by how they are shown",
            "command": f"python benchmarks/lessons.py {' '.join(map(str, sys.argv[1:]))}",
            "task": task.name, "part": options.part, "n": len(table.keys), "batch_size": showing.size,
            "soft": showing.soft, "balanced": showing.balanced, "rate": showing.rate,
            "statistics_batches": showing.statistics, **found,
        }  # fmt: skip
        hand_over(result, task.train.images.device, options.append)


if __name__ == "__main__":
    main()
