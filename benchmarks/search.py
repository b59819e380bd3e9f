"""Claims: a search adds at most 10 % to its lessons, a score takes at most 0.6 of a plain loop, workers add up.

    python benchmarks/search.py overhead|candidate|workers [--trials 500] [--architectures 24] [--append FILE]

``cnn_small`` on the digits with the shipped teacher; 1 thread a process. ``overhead``: the share of a search's wall and
CPU time, with an SQLite file for storage, that is spent outside the scores, and outside the lessons proper (sampling,
storage, counting, building, examination). ``candidate``: a score against the README's plain PyTorch loop with the same
lesson, network and examination, in turn, medians over architectures. ``workers``: candidates a minute of one worker
and of two, from the first score's end to the last one's. Prints one line of JSON; a quiet machine is the reader's part.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import optuna
import torch
from result_line import hand_over

from gtn_nas.memory import keep_freed_memory
from gtn_nas.proxy import Gtn
from gtn_nas.proxy.base import SCORE_SEEDS
from gtn_nas.search import load_study, make_sampler, open_study, search
from gtn_nas.seeding import seeded
from gtn_nas.space import load_space
from gtn_nas.task import load_task
from gtn_nas.teacher.export import export_teacher
from gtn_nas.teacher.frozen import FrozenTeacher, load_teacher
from gtn_nas.teacher.store import find_teacher

teach = import_module("gtn_nas.meta.teach")  # the package gives its function the same name
ROOT = Path(__file__).parents[1]
SEED = 0


@dataclass
class Clock:
    """Wall and CPU seconds of what it was given to call."""

    wall: float = 0.0
    cpu: float = 0.0

    def __call__(self, function: Callable[[], Any]) -> Any:
        """Call and count."""
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            return function()
        finally:
            self.wall += time.perf_counter() - wall
            self.cpu += time.process_time() - cpu

    def outside(self, inner: Clock) -> dict[str, float]:
        """Return the shares of this clock's time that ``inner`` did not count."""
        return {"wall": round(1 - inner.wall / self.wall, 4), "cpu": round(1 - inner.cpu / self.cpu, 4)}


def shipped() -> tuple[Gtn, FrozenTeacher]:
    """Return the proxy of the shipped teacher."""
    space, task = load_space("cnn_small"), load_task("digits", torch.device("cpu"))
    teacher = load_teacher(find_teacher(task, space, {}).folder)
    return Gtn(space, task, teacher), teacher


def overhead(trials: int) -> dict[str, Any]:
    """Search in this process and say what is not scoring."""
    proxy, _ = shipped()
    whole, scores, lessons = Clock(), Clock(), Clock()
    course, score = teach.course, proxy.score

    def timed_course(*words: Any) -> Iterator[Any]:
        steps = course(*words)
        while (taught := lessons(lambda: next(steps, None))) is not None:
            yield taught

    teach.course = timed_course  # the module's own loop, seen from outside
    proxy.score = lambda *words: scores(lambda: score(*words))
    with tempfile.TemporaryDirectory() as folder:
        sampler = make_sampler("tpe", SEED, proxy.space)
        study = open_study(f"sqlite:///{folder}/nas.db", "overhead", proxy, 1, sampler)
        whole(lambda: search(study, proxy, trials, 1))
    return {
        "claim": "at most 10 % of a search by one worker is spent outside the lessons",
        "n": trials,
        "candidates_per_minute": round(60 * trials / whole.wall, 2),
        "cpu_seconds_per_candidate": round(whole.cpu / trials, 4),
        "outside_scores": whole.outside(scores),
        "outside_lessons": whole.outside(lessons),
    }


def candidate(architectures: int) -> dict[str, Any]:
    """Score architectures both ways, in turn."""
    proxy, teacher = shipped()
    (plain,) = [block for block in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
                if "def learn" in block]  # fmt: skip
    names: dict[str, Any] = {}
    exec(plain, names)  # the loop that users are shown
    graded = proxy.task.validation.head(teach.GRADED)
    ratios: dict[str, list[float]] = {"wall": [], "cpu": []}
    seconds: dict[str, list[float]] = {"score": [], "plain": []}
    differences = []
    with tempfile.TemporaryDirectory() as folder:
        lesson = Path(folder) / "lesson.npz"
        export_teacher(teacher, "npz", lesson)
        for index, architecture in enumerate(proxy.space.sample_many(architectures + 1, SEED)):

            def by_plain_loop() -> float:
                with seeded(SCORE_SEEDS):
                    network = names["learn"](proxy.space.build(architecture, proxy.task), lesson)  # noqa: B023
                with torch.no_grad():
                    return float((network(graded.images).argmax(1) == graded.labels).float().mean())

            ours, theirs = Clock(), Clock()
            value, plain_value = ours(lambda: proxy.score(architecture, 0).value), theirs(by_plain_loop)  # noqa: B023
            if index == 0:
                continue  # the first of each warms up
            differences.append(abs(value - plain_value))
            ratios["wall"].append(ours.wall / theirs.wall)
            ratios["cpu"].append(ours.cpu / theirs.cpu)
            seconds["score"].append(ours.cpu)
            seconds["plain"].append(theirs.cpu)
    return {
        "claim": "a score takes at most 0.6 of the time of a plain PyTorch loop over the same steps",
        "n": architectures,
        "median_ratio": {name: round(median(found), 3) for name, found in ratios.items()},
        "quartiles_of_cpu_ratio": [round(sorted(ratios["cpu"])[len(ratios["cpu"]) * q // 4], 3) for q in (1, 3)],
        "median_cpu_seconds": {name: round(median(found), 3) for name, found in seconds.items()},
        "median_difference_of_accuracy": round(median(differences), 4),
    }


def workers(trials: int) -> dict[str, Any]:
    """Run the command with one worker and with two."""
    rates = {}
    for count in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            storage = f"sqlite:///{folder}/nas.db"
            words = ["search", "--trials", str(trials), "--workers", str(count), "--threads", str(count)]
            words += ["--seed", str(SEED), "--storage", storage, "--study", "workers", "--device", "cpu", "--json"]
            subprocess.run([sys.executable, "-m", "gtn_nas", *words], check=True, stdout=subprocess.DEVNULL)
            done = load_study(storage, "workers").get_trials(states=(optuna.trial.TrialState.COMPLETE,))
            ends = sorted(trial.datetime_complete for trial in done if trial.datetime_complete is not None)
            rates[count] = round(60 * (len(ends) - 1) / (ends[-1] - ends[0]).total_seconds(), 2)
    return {
        "claim": "two workers of one thread each score more candidates than one",
        "n": trials,
        "candidates_per_minute": rates,
        "gain": round(rates[2] / rates[1], 3),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["overhead", "candidate", "workers"])
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--architectures", type=int, default=24)
    parser.add_argument("--append", type=Path)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    measured = {
        "overhead": lambda: overhead(options.trials),
        "candidate": lambda: candidate(options.architectures),
        "workers": lambda: workers(options.trials),
    }[options.what]()
    size = ["--architectures", options.architectures] if options.what == "candidate" else ["--trials", options.trials]
    command = " ".join(map(str, ["python benchmarks/search.py", options.what, *size]))
    hand_over({**measured, "command": command, "seed": SEED}, torch.device("cpu"), options.append)


if __name__ == "__main__":
    main()
