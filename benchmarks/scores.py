"""Claim: what a teacher's score should be made of: which reading, after how many steps, over how many initialisations.

    python benchmarks/scores.py TEACHER TRUTH [--part choice|final|all] [--seeds 8] [--data DATA] [--append FILE]

Teaches every architecture of the table from several initialisations and examines it after 1/8, 1/4, 1/2 and all of the
lesson. Prints one line of JSON: Spearman with real training of every reading at every stop, averaged over 1, 2, 4, …
initialisations: the median over the disjoint groups of so many. Readings: accuracy, loss (negative), margin (mean logit
of the right class less the best other one's), probability (mean, of the right class); with the training's own loss.

Then racing, with the accuracies after all of the lesson: one initialisation for all, two for the better half, four for
the best quarter, all for the best eighth. Mean real accuracy of the first and of the first four by score, over 400
draws of who gets which initialisations, beside as many for all, and lessons per architecture.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from fidelity import PARTS, chosen_part
from result_line import hand_over
from scipy.stats import spearmanr
from torch import Tensor

from gtn_nas.device import pick_device
from gtn_nas.memory import keep_freed_memory
from gtn_nas.meta import Learner
from gtn_nas.meta.teach import GRADED, course
from gtn_nas.proxy import Gtn
from gtn_nas.proxy.base import SCORE_SEEDS
from gtn_nas.seeding import seeded
from gtn_nas.space import Architecture, load_space
from gtn_nas.task import load_task
from gtn_nas.teacher.frozen import load_teacher

SHARES = (0.125, 0.25, 0.5, 1.0)
DRAWS, FIRST = 400, 4
READINGS = ("accuracy", "loss", "margin", "probability", "tse")


def readings(logits: Tensor, labels: Tensor, losses: list[float]) -> list[float]:
    """Return the readings of ``logits`` ``[N, classes]``, larger being better."""
    right = logits.gather(1, labels[:, None]).squeeze(1)
    others = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
    chance = logits.softmax(1).gather(1, labels[:, None])
    hits = (logits.argmax(1) == labels).float().mean()
    found = (hits, -F.cross_entropy(logits, labels), (right - others).mean(), chance.mean())
    return [*(float(value) for value in found), -sum(losses)]


def examine(proxy: Gtn, architecture: Architecture, seed: int) -> np.ndarray:
    """Teach one learner; return its readings at every stop ``[stops, readings]``."""
    task, lesson = proxy.task, proxy.lesson(seed)
    part = task.validation.head(GRADED)
    stops = [max(1, round(share * lesson.steps)) for share in SHARES]
    found = np.full((len(stops), len(READINGS)), np.nan)
    with seeded(SCORE_SEEDS + seed):
        learner = Learner(proxy.space.build(architecture, task).to(lesson.images.device))
        for taught in course(learner, learner.initial, lesson, proxy.rule, proxy.protocol, stops):
            with torch.no_grad():
                logits = torch.cat(
                    [learner.predict(taught.theta, x, taught.statistics) for x in part.images.split(500)]
                )
            place = stops.index(len(taught.losses)) if len(taught.losses) in stops else -1
            found[place] = readings(logits, part.labels, taught.losses)
    return found


def racing(values: np.ndarray, truth: np.ndarray) -> dict[str, dict[str, float]]:
    """Return what racing finds, and as many initialisations for all: ``values`` ``[n, seeds]``, ``truth`` ``[n]``."""
    rng, (count, seeds) = np.random.default_rng(0), values.shape
    sizes = [2**power for power in range(10) if 2**power <= seeds]
    found: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(DRAWS):
        drawn = np.nan_to_num(rng.permuted(values, axis=1), nan=0.0)
        means = {size: drawn[:, :size].mean(1) for size in sizes}
        scores, left, lessons = np.full(count, -np.inf), np.arange(count), 0
        for place, size in enumerate(sizes):
            scores[left] = means[size][left] + place  # who has come further is ahead
            lessons += len(left) * (size - (sizes[place - 1] if place else 0))
            left = left[np.argsort(-means[size][left], kind="stable")][: max(1, -(-len(left) // 2))]
        ways = {str(size): (means[size], float(size)) for size in sizes} | {"race": (scores, lessons / count)}
        for name, (score, cost) in ways.items():
            order = np.argsort(-score, kind="stable")
            found.setdefault(name, []).append((truth[order[0]], truth[order[:FIRST]].mean(), cost))
    names = ("first", f"first {FIRST}", "lessons")
    return {
        way: dict(zip(names, (round(float(x), 4) for x in np.mean(each, axis=0)), strict=True))
        for way, each in found.items()
    } | {"best": {"first": round(float(truth.max()), 4)}}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--part", choices=(*PARTS, "all"), default="choice")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--train-limit", type=int, help="that the truth table was made with")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--append", type=Path)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    teacher = load_teacher(options.teacher)
    card, device = teacher.card, pick_device(options.device)
    space = load_space(card["space_source"])
    task = load_task(card["source"], device, card.get("train_limit"))
    table = chosen_part(options.truth, space, teacher, options.part, options.train_limit, device)
    proxy = Gtn(space, task, teacher)
    found = []
    for number, architecture in enumerate(table.architectures):
        found.append([examine(proxy, architecture, seed) for seed in range(options.seeds)])
        print(number + 1, "of", len(table.keys), file=sys.stderr, flush=True)
    values = np.array(found)  # [architectures, seeds, stops, readings]
    sizes = [2**power for power in range(10) if 2**power <= options.seeds]
    result = {
        "claim": "which reading, after how many steps, over how many initialisations",
        "command": f"python benchmarks/scores.py {' '.join(map(str, sys.argv[1:]))}",
        "teacher": teacher.fingerprint, "part": options.part, "n": len(table.keys), "steps": proxy.steps,
        "spearman": {
            reading: {
                str(share): {str(size): _median(values[:, :, stop, place], table.mean, size) for size in sizes}
                for stop, share in enumerate(SHARES)
            }
            for place, reading in enumerate(READINGS)
        },
        "racing": racing(values[:, :, -1, 0], table.mean),
    }  # fmt: skip
    hand_over(result, device, options.append)


def _median(values: np.ndarray, truth: np.ndarray, size: int) -> float:
    """Median Spearman of the means over disjoint groups of ``size`` initialisations; ``values`` ``[n, seeds]``."""
    groups = values.shape[1] // size
    means = [values[:, size * group : size * (group + 1)].mean(1) for group in range(groups)]
    return round(float(np.median([spearmanr(mean, truth, nan_policy="omit").statistic for mean in means])), 3)


if __name__ == "__main__":
    main()
