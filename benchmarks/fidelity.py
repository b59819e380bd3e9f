"""Claim: so well does a teacher rank, beside every rival, on a truth table: one JSON line.

    python benchmarks/fidelity.py TEACHER TRUTH [--part choice|final|all] [--proxy NAME]... [--lead NAME]...
        [--seeds 2] [--book FILE] [--append FILE]

The yardstick for every change to the meta-trainer. ``--part`` splits the table's architectures once and for all by
their keys: ``choice``, a half, serves every decision; ``final`` is for figures that no decision has seen. The
architectures that the teacher itself was chosen by are left out of both. Every ``--lead``, the first column if none is
named, is set against all other columns, a line each. ``--book`` keeps scores, so that a comparison that was stopped
goes on.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from result_line import hand_over

from gtn_nas.correlation import RIVALS, ScoreBook, TruthTable, compare, load_truth, proxies_of
from gtn_nas.device import pick_device
from gtn_nas.memory import keep_freed_memory
from gtn_nas.proxy import make_proxies
from gtn_nas.space import SearchSpace, load_space
from gtn_nas.task import load_task
from gtn_nas.teacher.frozen import FrozenTeacher, load_teacher
from gtn_nas.training import Recipe

PARTS = ("choice", "final")


def part_of(key: str) -> str:
    """Return the part that an architecture belongs to; keys are hashes, so any bit of theirs is a fair coin."""
    return PARTS[int(key[-1], 16) % 2]


def chosen_part(
    path: Path, space: SearchSpace, teacher: FrozenTeacher, part: str, train_limit: int | None, device: torch.device
) -> TruthTable:
    """Return the part of a table that the teacher was not chosen by; ``train_limit``: the table's own, if any."""
    card = teacher.card
    task = load_task(card["source"], device, train_limit or card.get("train_limit"))
    table = load_truth(path, space, task).without(card["chosen_on"])
    return table if part == "all" else table.without([key for key in table.keys if part_of(key) != part])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--part", choices=(*PARTS, "all"), default="choice")
    parser.add_argument("--proxy", action="append", dest="columns")
    parser.add_argument("--lead", action="append", dest="leads")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--train-limit", type=int, help="that the truth table was made with, if not the teacher's")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--book", type=Path)
    parser.add_argument("--append", type=Path)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(options.workers)
    teacher = load_teacher(options.teacher)
    card = teacher.card
    space = load_space(card["space_source"])
    task = load_task(card["source"], pick_device(options.device), card.get("train_limit"))
    device = task.train.images.device
    table = chosen_part(options.truth, space, teacher, options.part, options.train_limit, device)
    columns, book = options.columns or list(RIVALS), ScoreBook(options.book)
    proxies = list(make_proxies(proxies_of(columns), space, task, [teacher], Recipe(**table.recipe)).values())
    for lead in options.leads or columns[:1]:
        order = list(dict.fromkeys([lead, *columns]))
        content = compare(table, proxies, options.seeds, options.workers, columns=order, book=book)
        print(content["verdict"], file=sys.stderr)
        result = {
            "claim": "how well a teacher ranks, beside its rivals",
            "command": f"python benchmarks/fidelity.py {' '.join(map(str, sys.argv[1:]))}",
            "teacher": teacher.fingerprint, "part": options.part, "lead": lead,
            **{name: value for name, value in content.items() if name != "architectures"},
        }  # fmt: skip
        hand_over(result, device, options.append)


if __name__ == "__main__":
    main()
