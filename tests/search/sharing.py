"""Searches that share a study of what is never built: twelve architectures, and a proxy that notes what it is asked."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, ClassVar

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial

from gtn_nas.proxy import Proxy
from gtn_nas.search import Rhythm, make_sampler, open_study, search
from gtn_nas.search.worker import WORKER, Worker
from gtn_nas.space import Architecture, Cost, SearchSpace
from gtn_nas.task import Task

__all__ = ["QUICK", "Asked", "Few", "killed", "left_running", "open_with", "share"]

QUICK = Rhythm(beat=0.05, patience=0.5, look=0.01)


class Few(SearchSpace):
    """Twelve architectures that are never built."""

    name = "few"
    parameters: ClassVar[dict[str, Any]] = {
        "width": CategoricalDistribution((1, 2, 3, 4)),
        "norm": CategoricalDistribution(("none", "batch", "group")),
    }

    def build(self, architecture: Architecture, task: Task) -> Any:
        pytest.fail("no proxy of these tests builds a network")

    def cost(self, architecture: Architecture, task: Task) -> Cost:
        return Cost(int(architecture["width"]), 1)


class Asked(Proxy):
    """Notes what it is asked, and by the way does ``meanwhile``."""

    name = "asked"
    seeded = False

    def __init__(self, task: Task, meanwhile: Callable[[], object] = lambda: time.sleep(0.02)) -> None:
        super().__init__(Few(), task)
        self.asked: list[str] = []
        self._meanwhile = meanwhile

    @property
    def fingerprint(self) -> str:
        return "asked"

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        self.asked.append(self.space.key(architecture))
        self._meanwhile()
        return float(architecture["width"]), {}


def open_with(proxy: Proxy, storage: str, seed: int = 0) -> optuna.Study:
    return open_study(storage, "s", proxy, 1, make_sampler("random", seed, proxy.space))


def share(studies: Sequence[optuna.Study], proxies: Sequence[Proxy], trials: int) -> None:
    """Search in as many threads, each of which takes an interruption for the end of one search and begins another."""

    def run(study: optuna.Study, proxy: Proxy) -> None:
        while True:
            with suppress(KeyboardInterrupt):
                return search(study, proxy, trials, 1, rhythm=QUICK)

    with ThreadPoolExecutor(len(studies)) as pool:
        list(pool.map(run, studies, proxies))


def left_running(study: optuna.Study, proxy: Proxy, worker: Worker | None, **attributes: Any) -> FrozenTrial:
    """Leave a trial as a killed search does."""
    trial = study.ask(fixed_distributions=dict(proxy.space.parameters))
    trial.set_user_attr("key", proxy.space.key(proxy.space.validate(trial.params)))
    if worker is not None:
        trial.set_user_attr(WORKER, worker.noted())
    for name, value in attributes.items():
        trial.set_user_attr(name, value)
    return study.trials[trial.number]


def killed() -> Worker:
    """Return a process of this machine that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    here = Worker.here()
    return Worker(here.host, here.boot, here.table, process.pid)
