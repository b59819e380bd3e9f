"""Claim: what it costs, and what it saves, that OpenMP's threads wait briefly (gtn_nas/openmp.py).

    python benchmarks/waiting.py [--data digits] [--architectures 3] [--repeats 3] [--busy N] [--limit 60]
        [--append FILE]

Scores architectures of cnn_small with the shipped teacher, each time in a fresh process: with one thread and with a
thread a core, by GNU OpenMP's own wait and by a brief one; first on a machine left alone, then beside ``--busy``
processes that do something else (as many as it has cores), in turns. Prints one line of JSON: the median of the
seconds a score takes, wall-clock and CPU; null where the scores took longer than ``--limit`` seconds, which ends them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from result_line import hand_over

WAYS = {  # threads, and how they wait
    "one thread": (1, "long"),
    "a thread a core": (os.cpu_count() or 1, "long"),
    "a thread a core, waiting briefly": (os.cpu_count() or 1, "briefly"),
}
SCORE = """
import sys
from gtn_nas.openmp import wait_briefly
if sys.argv[5] == "briefly":
    wait_briefly()
import time, json, torch
from pathlib import Path
from gtn_nas.memory import keep_freed_memory
from gtn_nas.proxy import Gtn
from gtn_nas.space import load_space
from gtn_nas.task import load_task
from gtn_nas.teacher.frozen import load_teacher
threads, teacher, data, count = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
keep_freed_memory()
torch.set_num_threads(threads)
space = load_space("cnn_small")
proxy = Gtn(space, load_task(data, torch.device("cpu")), load_teacher(teacher))
first, *architectures = space.sample_many(1 + count, 0)
proxy.score(first, 0)
wall, cpu = time.perf_counter(), time.process_time()
for architecture in architectures:
    proxy.score(architecture, 0)
print(json.dumps([(time.perf_counter() - wall) / count, (time.process_time() - cpu) / count]))
"""


def seconds(way: str, options: argparse.Namespace) -> tuple[float, float] | None:
    """Return wall-clock and CPU seconds of a score."""
    threads, wait = WAYS[way]
    clean = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    words = [str(threads), options.teacher, options.data, str(options.architectures), wait]
    command = [sys.executable, "-c", SCORE, *words]
    try:
        ended = subprocess.run(command, env=clean, capture_output=True, text=True, check=True, timeout=options.limit)
    except subprocess.TimeoutExpired:
        return None
    wall, cpu = json.loads(ended.stdout)
    return wall, cpu


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep ``count`` cores busy with something else."""
    jobs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for job in jobs:
            job.kill()
            job.wait()


def median(values: list[float | None]) -> float | None:
    """Return the median; None, the longest of all, where it is the middle one."""
    ordered = sorted(float("inf") if value is None else value for value in values)
    middle = statistics.median(ordered)
    return None if middle == float("inf") else round(middle, 3)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="digits")
    parser.add_argument("--teacher", default="gtn_nas/shipped/digits-cnn_small")
    parser.add_argument("--architectures", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--busy", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--limit", type=float, default=60)
    parser.add_argument("--append", type=Path)
    options = parser.parse_args()
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for place, others in (("alone", 0), ("beside others", options.busy)):
        taken: dict[str, list[tuple[float | None, float | None]]] = {way: [] for way in WAYS}
        with busy(others):
            time.sleep(1)
            for _ in range(options.repeats):
                for way in WAYS:
                    taken[way].append(seconds(way, options) or (None, None))
        found[place] = {
            way: {"seconds": median([wall for wall, _ in each]), "cpu_seconds": median([cpu for _, cpu in each])}
            for way, each in taken.items()
        }
    result = {
        "claim": "what it costs and saves that OpenMP's threads wait briefly",
        "command": f"python benchmarks/waiting.py {' '.join(sys.argv[1:])}".strip(),
        "data": options.data,
        "n": options.architectures,
        "repeats": options.repeats,
        "busy": options.busy,
        "limit_seconds": options.limit,
        **found,
    }
    hand_over(result, torch.device("cpu"), options.append)


if __name__ == "__main__":
    main()
