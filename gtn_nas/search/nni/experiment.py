"""A real NNI experiment: its manager proposes and runs trials, we write what they report into the ledger."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState

from gtn_nas.errors import UserError
from gtn_nas.nni_import import import_nni
from gtn_nas.proxy import Proxy
from gtn_nas.search.budget import Budget
from gtn_nas.search.latency import timed_on
from gtn_nas.search.ledger import evaluation_of, known_evaluations, settled_trials
from gtn_nas.search.nni.config import ServiceConfig
from gtn_nas.search.nni.convert import to_nni
from gtn_nas.search.nni.known import add_known, write_known
from gtn_nas.search.nni.outcome import Report, record
from gtn_nas.search.nni.service import free_port, in_environment, nni_at, running
from gtn_nas.search.objectives import Goal

__all__ = ["Experiment"]

OnTrial = Callable[[optuna.trial.FrozenTrial], None]

_TUNERS = {"tpe": "TPE", "random": "Random", "grid": "GridSearch", "evolution": "Evolution", "anneal": "Anneal"}
_SEEDED = ("tpe", "random")
_KNOWN = "known.jsonl"  # scores, in the experiment's folder
_PAUSE = 1.0  # seconds between looks at the manager
_GRACE = 10  # looks for which a trial that succeeded may be without its result


@dataclass(frozen=True)
class Experiment:
    """A search by NNI's own manager, with the call of :func:`gtn_nas.search.search`.

    Args:
        sampler: a key of ``TUNERS``: NNI's tuner of that name runs in NNI's own process.
        seed: of the tuners that take one.
        trial: the words of ``python -m gtn_nas.search.nni_trial`` that make up the same proxy.
        folder: of all that NNI writes.
        config: portal and concurrency.
        announce: is told the portal's address.
    """

    sampler: str
    seed: int
    trial: Sequence[str]
    folder: Path
    config: ServiceConfig = field(default_factory=ServiceConfig)
    announce: Callable[[str], None] = lambda address: None

    def __call__(
        self,
        study: optuna.Study,
        proxy: Proxy,
        trials: int,
        seeds: int,
        on_trial: OnTrial | None = None,
        goal: Goal | None = None,
        budget: Budget | None = None,
    ) -> None:
        """Run the experiment until the study holds ``trials`` settled trials, or the budget is spent.

        Results that the study holds already are imported into the tuner.

        Raises:
            UserError: NNI's manager does not start, or ends before its time.
        """
        goal, budget = goal or Goal(), budget or Budget()
        done = settled_trials(study)
        if len(done) >= trials or budget.spent:
            return
        port = free_port(self.config.port)
        home = self.folder.resolve()
        home.mkdir(parents=True, exist_ok=True)
        write_known(home / _KNOWN, known_evaluations(study, timed_on(proxy.task)))
        with nni_at(home, self.config.host) as before:
            experiment = self._configured(study, proxy, goal, trials, len(done), budget, before)
            with running(experiment, port, self.config.patience, home):
                self.announce(f"http://127.0.0.1:{port}")
                self._import(experiment, proxy, done)
                self._watch(experiment, study, proxy, goal, budget, on_trial)

    def _configured(
        self,
        study: optuna.Study,
        proxy: Proxy,
        goal: Goal,
        trials: int,
        done: int,
        budget: Budget,
        before: Mapping[str, str],
    ) -> Any:
        made = import_nni("nni.experiment").Experiment("local")
        code = self.folder.resolve() / "empty"
        code.mkdir(parents=True, exist_ok=True)  # NNI copies it for every trial
        known = str(self.folder.resolve() / _KNOWN)
        words = [sys.executable, "-m", "gtn_nas.search.nni_trial", *self.trial, "--known", known]
        config = made.config
        config.experiment_name = study.study_name
        config.experiment_working_directory = str(self.folder.resolve())
        config.trial_code_directory = str(code)
        config.trial_command = in_environment(before, words)
        config.trial_concurrency = self.config.concurrency
        config.max_trial_number = trials - done
        if budget.end is not None:
            config.max_experiment_duration = f"{max(1, int(budget.end - time.monotonic()))}s"
        config.search_space = to_nni(proxy.space.parameters)
        arguments: dict[str, Any] = {} if self.sampler == "grid" else {"optimize_mode": goal.directions[0]}
        if self.sampler in _SEEDED:
            arguments["seed"] = self.seed + done  # the same again would propose the same again
        config.tuner = import_nni("nni.experiment.config").CustomAlgorithmConfig(
            class_name="ordered_dispatcher.make_dispatcher",
            code_directory=str(Path(__file__).parent),
            class_args={"tuner": _TUNERS[self.sampler], "arguments": arguments},
        )
        config.nni_manager_ip = "127.0.0.1"
        return made

    def _import(self, experiment: Any, proxy: Proxy, done: Sequence[optuna.trial.FrozenTrial]) -> None:
        """Tell the tuner of earlier results, as soon as it is there."""
        data = [
            {"parameter": proxy.space.validate(trial.params), "value": trial.values[0]}
            for trial in done
            if trial.values
        ]
        if not data:
            return
        rest = import_nni("nni.experiment.rest")
        self._patiently(experiment, lambda: rest.post(experiment.port, "/experiment/import-data", data))

    def _watch(
        self,
        experiment: Any,
        study: optuna.Study,
        proxy: Proxy,
        goal: Goal,
        budget: Budget,
        on_trial: OnTrial | None,
    ) -> None:
        """Record every trial that ends, until all have or the budget is spent."""
        looks: dict[str, int] = {}
        heard: set[str] = set()
        while not budget.spent:
            status = self._patiently(experiment, experiment.get_status)
            jobs = self._patiently(experiment, experiment.list_trial_jobs)
            for job in jobs:
                if job.trialJobId in heard or job.status in ("WAITING", "RUNNING", "UNKNOWN"):
                    continue
                metrics = self._patiently(experiment, partial(experiment.get_job_metrics, job.trialJobId))
                report = Report.of(job, metrics.get(job.trialJobId, []))
                looks[job.trialJobId] = looks.get(job.trialJobId, 0) + 1
                if report.is_complete or looks[job.trialJobId] > _GRACE:
                    heard.add(job.trialJobId)
                    told = record(study, proxy, goal, report)
                    if told.state is TrialState.COMPLETE:
                        add_known(self.folder / _KNOWN, told.user_attrs["key"], evaluation_of(told))
                    if on_trial is not None:
                        on_trial(told)
            if status == "ERROR":
                raise UserError(f"NNI's experiment ended with an error; its logs are in {self.folder / experiment.id}.")
            if status in ("DONE", "STOPPED", "NO_MORE_TRIAL") and len(heard) == len(jobs):
                return
            time.sleep(_PAUSE)

    def _patiently(self, experiment: Any, ask: Callable[[], Any]) -> Any:
        """Ask the manager, again while it is too busy to answer.

        Raises:
            UserError: it has ended, or says nothing for too long.
        """
        end = time.monotonic() + self.config.patience
        while True:
            try:
                return ask()
            except Exception as error:
                if experiment._proc.poll() is not None or time.monotonic() > end:
                    raise UserError(
                        f"NNI's manager does not answer ({error}); its log is in {self.folder / experiment.id}."
                    ) from error
                time.sleep(_PAUSE)
