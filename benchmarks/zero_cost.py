"""Claim: the zero-cost proxies rank NAS-Bench-201 as their published scores do.

    python benchmarks/zero_cost.py PUBLISHED.csv --data CIFAR10 [--architectures 100] [--append FILE]

PUBLISHED.csv: columns ``architecture`` and one for each score (NAS-Bench-Suite-Zero; Krishnakumar et al., 2022), of
the full network on CIFAR-10. Scores the first architectures anew, with one initialisation and one batch of 64 images,
and prints one line of JSON: Spearman of ours and theirs for every proxy, and, as the limit that noise sets, of ours
with two seeds.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np
import torch
from result_line import hand_over

from gtn_nas.correlation import spearman
from gtn_nas.proxy import Proxy, make_proxies
from gtn_nas.space import Architecture
from gtn_nas.task import load_task
from search_spaces.nasbench201 import NasBench201

COUNTED = ("params", "flops")
COMPARED = (*COUNTED, "synflow", "jacov", "snip", "grasp", "grad_norm", "fisher")  # nwot and zico are not published


def scores(proxy: Proxy, architectures: list[Architecture], seed: int) -> np.ndarray:
    """Return one score of each ``[n]``."""
    return np.array([proxy.score(architecture, seed).value for architecture in architectures])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("published", type=Path)
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--architectures", type=int, default=100)
    parser.add_argument("--append", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device("cpu")
    space, task = NasBench201(), load_task(options.data, device)
    with options.published.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[: options.architectures]
    architectures = [space.read(row["architecture"]) for row in rows]
    found: dict[str, dict[str, float | list[float] | None]] = {}
    for name, proxy in make_proxies(COMPARED, space, task).items():
        began = time.process_time()
        ours = scores(proxy, architectures, 0)
        seconds = (time.process_time() - began) / len(rows)
        agreement = spearman(ours, np.array([float(row[name]) for row in rows]))
        again = None if name in COUNTED else spearman(ours, scores(proxy, architectures, 1)).value
        found[name] = {
            "with_published": agreement.value,
            "ci95": agreement.ci95,
            "two_seeds": again,
            "cpu_seconds": seconds,
        }
        print(name, found[name], file=sys.stderr, flush=True)
    result = {
        "claim": "zero-cost proxies rank as their published scores do",
        "command": f"python benchmarks/zero_cost.py {options.published.name} --architectures {len(rows)}",
        "task": task.name, "space": space.name, "n": len(rows), "spearman": found,
    }  # fmt: skip
    hand_over(result, device, options.append)


if __name__ == "__main__":
    main()
