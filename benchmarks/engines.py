"""Claim: how soon which engine's sampler finds a good architecture, on the same problem with the same budget.

    python benchmarks/engines.py [--set engines.trials=20] [--append FILE] [--figure FILE.svg]

The settings are those of studies/engines.toml. Every sampler searches the same space by the same teacher's scores, once
for each seed; an architecture has one score, whoever proposes it, and is scored once in all. Prints one line of JSON:
for each sampler the mean over seeds of the best score after every trial with a 95 % bootstrap interval over seeds, and
the distinct architectures proposed. The figure draws the curves with their intervals.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from importlib.resources import as_file
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import optuna
import torch
from pydantic import BaseModel, ConfigDict, Field
from result_line import hand_over

from gtn_nas.cli.settings import Settings, load_settings
from gtn_nas.proxy import Gtn, Proxy
from gtn_nas.search import make_proposer, open_study, search
from gtn_nas.space import Architecture, load_space
from gtn_nas.task import load_task
from gtn_nas.teacher.frozen import load_teacher
from gtn_nas.teacher.store import find_teacher
from studies import study_file

RESAMPLES, LOOKS = 2000, (10, 20, 30, 50, 75, 100, 150, 200, 300, 500)


class Engines(BaseModel):
    """The group ``[engines]``; samplers are written ``engine:sampler``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str
    space: str
    trials: Annotated[int, Field(ge=2)]
    seeds: Annotated[int, Field(ge=2)]
    samplers: tuple[str, ...]


class EnginesSettings(Settings):
    """All groups."""

    engines: Engines


class Remembered(Proxy):
    """A proxy that measures every architecture once, in whichever search it turns up."""

    name = "remembered"

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(proxy.space, proxy.task)
        self._proxy = proxy
        self._known: dict[str, tuple[float, dict[str, float]]] = {}

    @property
    def fingerprint(self) -> str:
        """The other's."""
        return self._proxy.fingerprint

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        """Measure, or remember."""
        key = f"{self.space.key(architecture)} {seed}"
        if key not in self._known:
            self._known[key] = self._proxy.measure(architecture, seed)
        return self._known[key]


def best_so_far(proxy: Proxy, sampler: str, seed: int, trials: int) -> tuple[list[float], int]:
    """Return the best score after every trial of one search, and how many different architectures it proposed."""
    engine, _, name = sampler.partition(":")
    study = open_study(None, f"{sampler}-{seed}", proxy, 1, make_proposer(engine, name, seed, proxy.space))
    search(study, proxy, trials, 1)
    values = [trial.value if trial.value is not None else -np.inf for trial in study.trials]
    values += [-np.inf] * (trials - len(values))  # an exhausted space
    return np.maximum.accumulate(values).tolist(), len({proxy.space.key(trial.params) for trial in study.trials})


def interval(curves: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, low and high end over seeds ``[seeds, trials]`` by the percentile bootstrap."""
    rng = np.random.default_rng(0)
    drawn = curves[rng.integers(len(curves), size=(RESAMPLES, len(curves)))].mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return curves.mean(axis=0), low, high


def draw(curves: Mapping[str, np.ndarray], path: Path) -> None:
    """Write the figure; its ending says of which kind."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    for name, found in curves.items():
        mean, low, high = interval(found)
        trials = np.arange(1, len(mean) + 1)
        (line,) = axes.plot(trials, mean, label=name)
        axes.fill_between(trials, low, high, alpha=0.15, color=line.get_color(), linewidth=0)
    axes.set(xlabel="candidates", ylabel="best score so far (mean, 95 % interval over seeds)")
    early = min(len(found[0]) // 10, 10)  # the first few are luck, and would squeeze the rest
    low = min(interval(found)[1][early] for found in curves.values())
    high = max(float(found.max()) for found in curves.values())
    axes.set_ylim(low, high + 0.05 * max(high - low, 1e-6))
    axes.legend(loc="lower right")
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def summary(found: np.ndarray, distinct: Sequence[int]) -> dict[str, Any]:
    """Return one sampler's figures."""
    mean, low, high = interval(found)
    looks = [look for look in LOOKS if look < found.shape[1]] + [found.shape[1]]
    return {
        "best_after": {str(n): [round(float(row[n - 1]), 5) for row in (mean, low, high)] for n in looks},
        "final_by_seed": [round(float(value), 5) for value in found[:, -1]],
        "distinct": float(np.mean(distinct)),
    }


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", action="append", default=[], dest="assignments", metavar="GROUP.NAME=VALUE")
    parser.add_argument("--append", type=Path)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)
    with as_file(study_file("engines")) as path:
        chosen = load_settings(EnginesSettings, path, options.assignments).engines
    space, task = load_space(chosen.space), load_task(chosen.data, torch.device("cpu"))
    teacher = load_teacher(find_teacher(task, space, {}).folder)
    proxy = Remembered(Gtn(space, task, teacher))
    curves: dict[str, np.ndarray] = {}
    distinct: dict[str, list[int]] = {}
    for sampler in chosen.samplers:
        found = [best_so_far(proxy, sampler, seed, chosen.trials) for seed in range(chosen.seeds)]
        curves[sampler] = np.array([curve for curve, _ in found])
        distinct[sampler] = [count for _, count in found]
    if options.figure is not None:
        draw(curves, options.figure)
    words = " ".join(f"--set {text}" for text in options.assignments)
    result = {
        "claim": "how soon which engine's sampler finds a good architecture",
        "command": f"python benchmarks/engines.py {words}".strip(),
        "task": task.name, "space": space.name, "teacher": teacher.fingerprint,
        "trials": chosen.trials, "n": chosen.seeds,
        "samplers": {name: summary(found, distinct[name]) for name, found in curves.items()},
    }  # fmt: skip
    hand_over(result, torch.device("cpu"), options.append)


if __name__ == "__main__":
    main()
