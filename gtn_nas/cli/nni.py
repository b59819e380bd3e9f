"""``gtn-nas search --nni-service``: what it cannot be combined with, and the experiment that it makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape

from gtn_nas.cli.output import note
from gtn_nas.cli.settings import Settings
from gtn_nas.errors import UserError
from gtn_nas.proxy import Proxy, terms_of
from gtn_nas.search import Goal
from gtn_nas.search.nni.config import SERVICES, ServiceConfig
from gtn_nas.search.nni.experiment import Experiment
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.training import Recipe

__all__ = ["NniSearch", "SearchSettings", "nni_experiment"]


class SearchSettings(Settings):
    """The groups of a search: the others', and ``nni.*``, how an NNI experiment is run."""

    nni: ServiceConfig = ServiceConfig()


@dataclass(frozen=True)
class NniSearch:
    """What was asked of NNI.

    Raises:
        UserError: NNI's experiments cannot do it.
    """

    service: str
    engine: str
    sampler: str
    seed: int
    pruner: str
    calibrated: bool
    scored_by: str

    def __post_init__(self) -> None:
        if self.engine != "nni":
            raise UserError(f"--nni-service needs --engine nni, but the engine is {self.engine!r}; name it.")
        if self.service not in SERVICES:
            raise UserError(
                f"unknown NNI service {self.service!r}; use {', '.join(SERVICES)}, or start an experiment on it from "
                "NNI's side with trial_command 'python -m gtn_nas.search.nni_trial' (docs/nni.md)."
            )
        if self.pruner != "none":
            raise UserError(
                f"pruner {self.pruner!r} does not reach into NNI's trials; leave --pruner or --nni-service out."
            )
        if len(terms_of(self.scored_by)) > 1:
            raise UserError(
                f"proxy {self.scored_by!r} ranks among a sample, which every trial of NNI's would score again; name "
                "one proxy, or leave --nni-service out."
            )
        if self.calibrated:
            raise UserError("calibrated scores are not known to NNI's trials; leave --calibrate or --nni-service out.")


def nni_experiment(
    asked: NniSearch,
    settings: SearchSettings,
    proxy: Proxy,
    teacher: Path | None,
    seeds: int,
    goal: Goal,
    device: str,
    threads: int | None,
    storage: str | None,
    study: str,
) -> Experiment:
    """Return the experiment whose trials score as ``proxy`` does."""
    space, task, limits = proxy.space, proxy.task, goal.limits
    said: dict[str, object] = {
        "--teacher": None if teacher is None else teacher.resolve(),
        "--space": space.origin or space.name,
        "--data": task.source or task.name,
        "--train-limit": task.train_limit,
        "--proxy": proxy.name,
        "--objective": goal.names[0],
        "--seeds": seeds,
        "--max-params": limits.params,
        "--max-flops": limits.flops,
        "--max-latency": None if limits.latency is None else 1000 * limits.latency,
        "--like": None if settings.teacher == TeacherConfig() else settings.teacher.model_dump_json(),
        "--recipe": None if settings.recipe == Recipe() else settings.recipe.model_dump_json(),
        "--device": device,
        "--threads": threads,
    }
    words = [word for name, value in said.items() if value is not None for word in (name, str(value))]
    folder = settings.nni.place(storage, study)

    def announce(address: str) -> None:
        note(f"NNI's portal: {escape(address)}; its files: [bold]{escape(str(folder))}[/]")

    return Experiment(asked.sampler, asked.seed, words, folder, settings.nni, announce)
