"""Claim: so many steps of real training order architectures as well as a teacher's lesson does.

    python benchmarks/steps.py TEACHER TRUTH [--part choice|final|all] [--multiples 1 2 4 8] [--train-limit N]
        [--append FILE]

Scores every architecture by the teacher's lesson and by real data for 1, 2, 4, … times as many steps (``real_steps``:
Muon at its own rates, which fall to a tenth by the end of each), one initialisation each. Prints one line of JSON:
Spearman with real accuracy and its 95 % interval, by accuracy and by loss, mean accuracy and CPU seconds of each, and
how many times as many steps real data needed to reach the teacher (interpolated in the logarithm; null: more than were
tried).
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fidelity import PARTS, chosen_part
from result_line import hand_over

from gtn_nas.correlation import TruthTable
from gtn_nas.correlation.stats import spearman
from gtn_nas.device import pick_device
from gtn_nas.memory import keep_freed_memory
from gtn_nas.proxy import Gtn, Proxy
from gtn_nas.proxy.real_lesson import RealSteps
from gtn_nas.space import load_space
from gtn_nas.task import load_task
from gtn_nas.teacher.frozen import load_teacher


def ranked(proxy: Proxy, table: TruthTable) -> dict[str, Any]:
    """Return how ``proxy`` orders the table, and what it takes."""
    scores = [proxy.score(architecture, 0) for architecture in table.architectures]
    found: dict[str, Any] = {
        "steps": proxy.steps,
        "accuracy": round(statistics.fmean(score.value for score in scores), 4),
        "cpu_seconds": round(statistics.median(score.cpu_seconds for score in scores), 3),
    }
    values = {"spearman": [score.value for score in scores], "loss": [score.readings["loss"] for score in scores]}
    for name, one in values.items():
        estimate = spearman(np.array(one), table.mean)
        found[name] = None if estimate.value is None else round(estimate.value, 3)
        found[f"{name}_ci95"] = None if estimate.ci95 is None else [round(end, 3) for end in estimate.ci95]
    return found


def needed(goal: float, multiples: Sequence[int], found: Sequence[float]) -> float | None:
    """Return the multiple at which the line through the points reaches ``goal`` first; None where it does not."""
    if found[0] >= goal:
        return float(multiples[0])
    for k in range(1, len(found)):
        if found[k] >= goal:
            share = (goal - found[k - 1]) / (found[k] - found[k - 1])
            low, high = math.log(multiples[k - 1]), math.log(multiples[k])
            return round(math.exp(low + share * (high - low)), 2)
    return None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--part", choices=(*PARTS, "all"), default="choice")
    parser.add_argument("--multiples", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--train-limit", type=int, help="that the truth table was made with, if not the teacher's")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--append", type=Path)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    teacher, device = load_teacher(options.teacher), pick_device(options.device)
    space = load_space(teacher.card["space_source"])
    task = load_task(teacher.card["source"], device, teacher.card.get("train_limit"))
    table = chosen_part(options.truth, space, teacher, options.part, options.train_limit, device)
    lesson = ranked(Gtn(space, task, teacher), table)
    print("teacher", lesson, file=sys.stderr, flush=True)
    real = []
    for multiple in options.multiples:
        proxy = RealSteps(space, task, multiple * teacher.config.steps, teacher.config.batch_size)
        real.append(ranked(proxy, table))
        print(multiple, real[-1], file=sys.stderr, flush=True)
    result = {
        "claim": "how many steps of real data rank as well as a teacher's lesson",
        "command": f"python benchmarks/steps.py {' '.join(map(str, sys.argv[1:]))}",
        "teacher": teacher.fingerprint, "part": options.part, "n": len(table.keys), "lesson": lesson,
        "real": dict(zip(map(str, options.multiples), real, strict=True)),
        "needed": {
            name: needed(lesson[name], options.multiples, [one[name] for one in real]) for name in ("spearman", "loss")
        },
    }  # fmt: skip
    hand_over(result, device, options.append)


if __name__ == "__main__":
    main()
