"""A process that measures one method on one case, whenever it is told to: ``python -m gtn_nas.bench.worker``.

Arguments: case, method, device. Every line on stdin asks for one run; its answer is one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch

from gtn_nas.bench.cases import CASES
from gtn_nas.bench.methods import METHODS
from gtn_nas.memory import keep_freed_memory, peak_bytes, resident_bytes

__all__ = ["main"]


def main(case: str, method: str, device_name: str) -> None:
    """Serve runs until stdin ends."""
    warnings.simplefilter("ignore")  # higher's own, on modern torch
    torch.set_num_threads(1)
    keep_freed_memory()  # as the command line does; for every method
    device, chosen = torch.device(device_name), METHODS[method]
    for step in CASES[case].tiny().make(native=chosen.native, device=device):
        chosen.run(step)  # libraries load their code before anything is measured
    steps = CASES[case].make(native=chosen.native, device=device)
    for _ in sys.stdin:
        print(json.dumps(_measure(lambda: [chosen.run(step) for step in steps], device)), flush=True)


def _measure(run: Callable[[], list[float]], device: torch.device) -> dict[str, float | None]:
    baseline = resident_bytes() if _forget_peak() else None
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        held = torch.cuda.memory_allocated(device)
        begin.record()
    wall, cpu = time.perf_counter(), time.process_time()
    losses = run()
    facts: dict[str, float | None] = {"loss": sum(losses) / len(losses)}
    if device.type == "cuda":
        end.record()
        torch.cuda.synchronize(device)
        facts["cuda_seconds"] = begin.elapsed_time(end) / 1000
        facts["cuda_peak_bytes"] = torch.cuda.max_memory_allocated(device) - held
    facts |= {"wall_seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    peak = peak_bytes()
    facts["peak_bytes"] = None if peak is None or baseline is None else peak - baseline
    return facts


def _forget_peak() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main(*sys.argv[1:])
