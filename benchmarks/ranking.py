"""Claim: a teacher that is also trained to rank ranks other architectures better, at equal meta-training time.

    python benchmarks/ranking.py TRUTH [--data DATA] [--space SPACE] [--config FILE] [--set GROUP.NAME=VALUE]...
        [--shares 0 0.5 0.9] [--repeats 3] [--append FILE]

Trains one teacher for every repeat (a seed) and share of the outer objective (``meta.ranking``), in turn, and ranks the
architectures of TRUTH that none of them was validated on or trained to rank. The teachers of share 0 see the same
validation architectures and as many learners a step, of the whole space. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from result_line import hand_over
from scipy.stats import spearmanr

from gtn_nas.cli.settings import Settings, load_settings
from gtn_nas.correlation import TruthTable, load_truth
from gtn_nas.device import pick_device
from gtn_nas.memory import keep_freed_memory
from gtn_nas.meta.train import train_teacher
from gtn_nas.proxy import Gtn
from gtn_nas.space import load_space
from gtn_nas.task import load_task
from gtn_nas.teacher.frozen import FrozenTeacher

SCORE_SEEDS = 2


def ranks(proxy: Gtn, table: TruthTable) -> dict[str, float]:
    """Return Spearman of a teacher's accuracies and (negative) losses with the table's mean real accuracies."""
    accuracies, losses = [], []
    for architecture in table.architectures:
        found = [proxy.measure(architecture, seed) for seed in range(SCORE_SEEDS)]
        accuracies.append(np.mean([value for value, _ in found]))
        losses.append(np.mean([readings["loss"] for _, readings in found]))
    mean = float(np.mean(accuracies))
    by_loss = float(spearmanr(losses, table.mean).statistic)
    return {"accuracy": mean, "gtn": float(spearmanr(accuracies, table.mean).statistic), "gtn.loss": by_loss}


def main() -> None:
    """Train, rank, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--data", default="digits")
    parser.add_argument("--space", default="cnn_small")
    parser.add_argument("--train-limit", type=int)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--set", action="append", dest="assignments", default=[])
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.5, 0.9])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--architectures", type=int, default=100, help="of the table that are ranked, at most")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--append", type=Path)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    space, task = load_space(options.space), load_task(options.data, pick_device(options.device), options.train_limit)
    table = load_truth(options.truth, space, task)
    teachers: list[tuple[float, int, FrozenTeacher, float]] = []
    for repeat in range(options.repeats):
        for share in options.shares:
            more = {"meta.ranking": share, "meta.seed": repeat}
            settings = load_settings(Settings, options.config, options.assignments, more)
            began = time.process_time()
            with tempfile.TemporaryDirectory() as folder:
                teacher = train_teacher(
                    task, space, settings.teacher, settings.meta, Path(folder), truth=table.validated
                )
            teachers.append((share, repeat, teacher, time.process_time() - began))
            print(share, repeat, teacher.card["outer_steps"], file=sys.stderr, flush=True)
    used = {key for _, _, teacher, _ in teachers for key in teacher.card["chosen_on"]}
    others = table.without(sorted(used))
    if len(others.keys) > options.architectures:
        others = others.sample(options.architectures, 0)
    rows = [
        {"share": share, "repeat": repeat, "outer_steps": teacher.card["outer_steps"], "cpu_seconds": seconds,
         **ranks(Gtn(space, task, teacher), others)}
        for share, repeat, teacher, seconds in teachers
    ]  # fmt: skip
    result = {
        "claim": "training to rank, on architectures that it has not seen",
        "command": f"python benchmarks/ranking.py {' '.join(map(str, sys.argv[1:]))}",
        "n": len(others.keys), "used": len(used), "score_seeds": SCORE_SEEDS,
        "teacher": settings.teacher.model_dump(), "meta": settings.meta.model_dump(), "runs": rows,
        "median": {
            str(share): {
                name: float(np.median([row[name] for row in rows if row["share"] == share]))
                for name in ("accuracy", "gtn", "gtn.loss")
            }
            for share in options.shares
        },
    }  # fmt: skip
    hand_over(result, task.train.images.device, options.append)


if __name__ == "__main__":
    main()
