"""Claim: written-out second derivatives are faster than PyTorch's where meta-training spends its time.

Prints one JSON line per layer: median CPU milliseconds, native and ours in turn, of a forward pass, of a backward
pass, and of a backward pass with its graph together with the pull-back of random adjoints through it.
The last line measures what keeping freed memory gives: the inner step of case a, with and without, each in a process
of its own. One thread. Usage: ``python benchmarks/layers.py [ROUNDS]``.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor, nn

from gtn_nas.bench.cases import CASES
from gtn_nas.device import describe_hardware, describe_versions
from gtn_nas.memory import keep_freed_memory
from gtn_nas.meta.learner import Learner
from gtn_nas.meta.teach import teach

LAYERS: dict[str, tuple[tuple[int, ...], Callable[[], nn.Module]]] = {
    "conv 3x3, 1 to 16, 28x28, B=64": ((64, 1, 28, 28), lambda: nn.Conv2d(1, 16, 3, padding=1)),
    "conv 3x3, 16 to 32, 14x14, B=64": ((64, 16, 14, 14), lambda: nn.Conv2d(16, 32, 3, padding=1)),
    "conv 3x3, 32 to 64, 14x14, B=128": ((128, 32, 14, 14), lambda: nn.Conv2d(32, 64, 3, padding=1)),
    "conv 3x3, 16 to 24, 8x8, B=40": ((40, 16, 8, 8), lambda: nn.Conv2d(16, 24, 3, padding=1)),
    "conv 5x5, 24 to 24, 8x8, B=40": ((40, 24, 8, 8), lambda: nn.Conv2d(24, 24, 5, padding=2)),
    "conv 5x5, 56 to 56, 2x2, B=40": ((40, 56, 2, 2), lambda: nn.Conv2d(56, 56, 5, padding=2)),
    "conv 1x1, 24 to 72, 8x8, B=40": ((40, 24, 8, 8), lambda: nn.Conv2d(24, 72, 1)),
    "depthwise 3x3, 72, 8x8, B=40": ((40, 72, 8, 8), lambda: nn.Conv2d(72, 72, 3, padding=1, groups=72)),
    "batch norm, 32, 28x28, B=128": ((128, 32, 28, 28), lambda: nn.BatchNorm2d(32)),
    "batch norm, 24, 8x8, B=40": ((40, 24, 8, 8), lambda: nn.BatchNorm2d(24)),
    "group norm, 32, 28x28, B=128": ((128, 32, 28, 28), lambda: nn.GroupNorm(4, 32)),
    "group norm, 24, 8x8, B=40": ((40, 24, 8, 8), lambda: nn.GroupNorm(3, 24)),
    "max-pooling 2x2, 16, 28x28, B=64": ((64, 16, 28, 28), lambda: nn.MaxPool2d(2)),
    "ReLU, 16, 28x28, B=64": ((64, 16, 28, 28), lambda: nn.ReLU()),
    "leaky ReLU, 24, 8x8, B=40": ((40, 24, 8, 8), lambda: nn.LeakyReLU(0.1)),
}


class _WithScale(nn.Module):
    """The layer between two channels-last neighbours, with at least one parameter."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer, self.scale = nn.Sequential(layer), nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x * self.scale)
        return y


def measure(name: str, rounds: int) -> dict[str, object]:
    """Return the layer's medians, native and ours."""
    shape, make = LAYERS[name]
    torch.manual_seed(0)
    layers = {"native": _WithScale(make()), "ours": _WithScale(make())}
    for kind, layer in layers.items():
        Learner(layer, native=kind == "native")
    x = torch.randn(shape).contiguous(memory_format=torch.channels_last).requires_grad_()
    times: dict[str, dict[str, list[float]]] = {kind: {} for kind in layers}
    for number in range(rounds + 2):
        for kind, layer in layers.items():
            for what, seconds in _passes(layer, x).items():
                if number >= 2:
                    times[kind].setdefault(what, []).append(1e3 * seconds)
    found = {kind: {what: round(median(of), 3) for what, of in whats.items()} for kind, whats in times.items()}
    return {"layer": name, "n": rounds, "cpu_ms": found}


def _passes(layer: nn.Module, x: Tensor) -> dict[str, float]:
    inputs = [x, *layer.parameters()]
    clock = [time.process_time()]
    y = layer(x)
    clock.append(time.process_time())
    slope = torch.ones_like(y)
    torch.autograd.grad(y, inputs, slope, retain_graph=True)
    clock.append(time.process_time())
    first = torch.autograd.grad(y, inputs, slope, create_graph=True)
    linked = [part for part in first if part.requires_grad]  # a bias's gradient depends on nothing
    torch.autograd.grad(linked, inputs, [torch.ones_like(part) for part in linked], allow_unused=True)
    clock.append(time.process_time())
    return dict(zip(("forward", "backward", "second"), (b - a for a, b in itertools.pairwise(clock)), strict=True))


def inner_step(rounds: int) -> float:
    """Median CPU milliseconds of an inner step of case a."""
    (step,) = CASES["short"].make(native=False, device=torch.device("cpu"))
    times = []
    for _ in range(rounds + 1):
        begin = time.process_time()
        teach(step.learner, step.learner.initial, step.lesson, step.rule, step.exam.protocol)
        times.append((time.process_time() - begin) / step.lesson.steps)
    return 1e3 * median(times[1:])


def main() -> None:
    """Print everything, or (as a process of its own) the inner step alone."""
    torch.set_num_threads(1)
    if sys.argv[1:2] == ["inner-step"]:
        if sys.argv[2] == "kept":
            keep_freed_memory()
        print(inner_step(int(sys.argv[3])))
        return
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print(json.dumps({"hardware": describe_hardware(torch.device("cpu")), "versions": describe_versions()}))
    for name in LAYERS:
        print(json.dumps(measure(name, rounds)), flush=True)
    found: dict[str, list[float]] = {"given back": [], "kept": []}
    for _ in range(3):
        for kind, of in found.items():
            said = subprocess.run([sys.executable, __file__, "inner-step", kind, "5"], capture_output=True, text=True)
            of.append(float(said.stdout))
    print(json.dumps({"freed memory": {kind: round(median(of), 2) for kind, of in found.items()}, "unit": "ms a step"}))


if __name__ == "__main__":
    main()
