"""Claim: bfloat16 makes a score of ``cnn_small`` no quicker.

    python benchmarks/bf16.py [--architectures 48] [--append FILE]

Scores architectures of the digits' truth table with the shipped teacher, in turn in float32 and with the network's
passes in bfloat16 (``torch.autocast``; what it leaves in float32 stays so, and so does Muon), both by PyTorch's own
layers. Prints one line of JSON: the median ratio of CPU times, Spearman of both scores, of float32 with another
initialisation, and of each with real training. 1 thread. Refuses a processor without bfloat16 instructions.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import fmean, median

import numpy as np
import torch
from result_line import hand_over
from search import shipped

from gtn_nas.correlation import load_truth, spearman
from gtn_nas.memory import keep_freed_memory
from gtn_nas.meta import Learner
from gtn_nas.proxy import Score
from gtn_nas.space import Architecture

ROOT = Path(__file__).parents[1]
SEED = 0
teach = import_module("gtn_nas.meta.teach")  # the package gives its function the same name


@contextmanager
def passes_in(dtype: torch.dtype) -> Iterator[None]:
    """Let learners have PyTorch's own layers, which autocast knows, and compute in ``dtype``."""

    class Cast(Learner):
        def slope(self, *words, **options):  # type: ignore[no-untyped-def]
            with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                return super().slope(*words, **options)

        def logits(self, *words):  # type: ignore[no-untyped-def]
            with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                return super().logits(*words).float()

    before, teach.Learner = teach.Learner, partial(Cast, native=True)
    try:
        yield
    finally:
        teach.Learner = before


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architectures", type=int, default=48)
    parser.add_argument("--append", type=Path)
    options = parser.parse_args()
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        parser.exit(2, "this processor has no bfloat16 instructions; measure on one that does.\n")
    keep_freed_memory()
    torch.set_num_threads(1)
    proxy, _ = shipped()
    path = ROOT / "studies/truth/cnn_small_digits.jsonl"
    table = load_truth(path, proxy.space, proxy.task).sample(options.architectures, SEED)

    def score(dtype: torch.dtype, architecture: Architecture, seed: int) -> Score:
        with passes_in(dtype):
            return proxy.score(architecture, seed)

    score(torch.float32, table.architectures[0], 0)  # warms up
    ways = {"full": (torch.float32, 0), "half": (torch.bfloat16, 0), "again": (torch.float32, 1)}
    found = [{name: score(dtype, one, seed) for name, (dtype, seed) in ways.items()} for one in table.architectures]
    values = {name: np.array([one[name].value for one in found]) for name in ways}
    result = {
        "claim": "bfloat16 makes a score of cnn_small no quicker",
        "n": len(found),
        "median_ratio_of_cpu": round(median(one["half"].cpu_seconds / one["full"].cpu_seconds for one in found), 3),
        "spearman": {
            name: {"value": agreement.value, "ci95": agreement.ci95}
            for name, agreement in {
                "bfloat16 and float32": spearman(values["half"], values["full"]),
                "float32 and another initialisation": spearman(values["full"], values["again"]),
                "float32 and real training": spearman(values["full"], table.mean),
                "bfloat16 and real training": spearman(values["half"], table.mean),
            }.items()
        },
        "mean_accuracy": {"float32": round(fmean(values["full"]), 4), "bfloat16": round(fmean(values["half"]), 4)},
        "command": f"python benchmarks/bf16.py --architectures {options.architectures}",
        "seed": SEED,
    }
    hand_over(result, torch.device("cpu"), options.append)


if __name__ == "__main__":
    main()
