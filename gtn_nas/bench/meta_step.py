"""Time and memory of one meta-step by every method, each in a process of its own, in turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

from gtn_nas.bench.cases import CASES
from gtn_nas.bench.methods import METHODS
from gtn_nas.errors import UserError

__all__ = ["REFERENCE", "measure_case", "measure_meta_steps", "measure_scaling"]

REFERENCE = "higher"
OnRun = Callable[[str, str, int], None]


def measure_meta_steps(
    cases: Sequence[str], methods: Sequence[str], rounds: int, device: str = "cpu", on_run: OnRun | None = None
) -> dict[str, Any]:
    """Return medians over ``rounds`` of every method on every case, and their ratios to ``higher``.

    Raises:
        UserError: a case or a method is unknown, or a method failed.
    """
    for kind, names, known in (("case", cases, list(CASES)), ("method", methods, list(METHODS))):
        for name in names:
            if name not in known:
                raise UserError(f"unknown {kind} {name!r}; use one of {', '.join(known)}.")
    return {case: measure_case(case, methods, rounds, device, on_run) for case in cases}


def measure_case(
    case: str, methods: Sequence[str], rounds: int, device: str, on_run: OnRun | None = None
) -> dict[str, Any]:
    """Measure one case: the first run of each process gives the memory, the others the time."""
    runs = _in_turn([(case, method) for method in methods], rounds, device, on_run)
    found = {method: _summary(METHODS[method].title, of) for (_, method), of in runs.items()}
    if REFERENCE in found:
        for one in found.values():
            one["ratio"] = {
                field: _ratio(one[field], found[REFERENCE][field])
                for field in ("cpu_seconds", "wall_seconds", "cuda_seconds", "peak_bytes", "cuda_peak_bytes")
                if field in one
            }
    return {"title": CASES[case].title, "steps": CASES[case].steps, "rounds": rounds, "methods": found}


def measure_scaling(
    short: str, long: str, rounds: int, device: str = "cpu", on_run: OnRun | None = None
) -> dict[str, Any]:
    """Return the time of one inner step by ``mixed`` in a long unroll over that in a short one."""
    runs = _in_turn([(case, "mixed") for case in (short, long)], rounds, device, on_run)
    per_step = {
        case: median(run["cpu_seconds"] for run in of[1:]) / CASES[case].steps for (case, _), of in runs.items()
    }
    pairs = zip(runs[short, "mixed"][1:], runs[long, "mixed"][1:], strict=True)
    stretch = CASES[long].steps / CASES[short].steps
    ratios = sorted(two["cpu_seconds"] / one["cpu_seconds"] / stretch for one, two in pairs)
    return {"cpu_seconds_per_step": per_step, "ratio": median(ratios), "ratios": ratios, "rounds": rounds}


def _in_turn(
    jobs: Sequence[tuple[str, str]], rounds: int, device: str, on_run: OnRun | None
) -> dict[tuple[str, str], list[dict[str, float]]]:
    """Run every (case, method) in a process of its own, one after the other, ``rounds`` times and once before."""
    runs: dict[tuple[str, str], list[dict[str, float]]] = {job: [] for job in jobs}
    with ExitStack() as stack:
        workers = {job: stack.enter_context(_worker(*job, device)) for job in jobs}
        for number in range(rounds + 1):
            for job, worker in workers.items():
                runs[job].append(worker.run())
                if on_run is not None:
                    on_run(*job, number)
    return runs


def _summary(title: str, runs: list[dict[str, float]]) -> dict[str, Any]:
    first, timed = runs[0], runs[1:]
    found: dict[str, Any] = {"title": title, "loss": first["loss"], "peak_bytes": first["peak_bytes"]}
    if "cuda_peak_bytes" in first:
        found["cuda_peak_bytes"] = first["cuda_peak_bytes"]
    for field in ("cpu_seconds", "wall_seconds", "cuda_seconds"):
        if field in first:
            values = [run[field] for run in timed]
            found[field] = median(values)
            found[f"{field}_range"] = [min(values), max(values)]
    return found


def _ratio(value: float | None, reference: float | None) -> float | None:
    return None if value is None or not reference else value / reference


@dataclass(frozen=True)
class _Worker:
    process: subprocess.Popen[str]

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def run(self) -> dict[str, float]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write("run\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            said = self.process.stderr.read().strip().splitlines() if self.process.stderr else []
            raise UserError(f"the measurement ended: {said[-1] if said else 'its process was killed'}.")
        found: dict[str, float] = json.loads(answer)
        return found


def _worker(case: str, method: str, device: str) -> _Worker:
    return _Worker(
        subprocess.Popen(
            [sys.executable, "-m", "gtn_nas.bench.worker", case, method, device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        )
    )
