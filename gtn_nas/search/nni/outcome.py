"""What a trial of an NNI experiment reported, and how it gets into the ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from gtn_nas.proxy import Proxy
from gtn_nas.search.evaluator import CandidateFailed
from gtn_nas.search.latency import timed_on
from gtn_nas.search.ledger import note_evaluation, note_excess
from gtn_nas.search.nni.convert import from_nni
from gtn_nas.search.nni.known import evaluation_from
from gtn_nas.search.objectives import Goal
from gtn_nas.space import Architecture, SearchSpace

__all__ = ["Report", "record"]


@dataclass(frozen=True)
class Report:
    """A trial that ended: its parameters, NNI's word for how, and its last messages, empty where there was none."""

    parameters: Mapping[str, Any]
    status: str
    final: Mapping[str, Any] = field(default_factory=dict)
    failure: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, job: Any, metrics: Sequence[Any]) -> Report:
        """Read what NNI's manager knows of a trial."""
        final: Mapping[str, Any] = {}
        failure: Mapping[str, Any] = {}
        for metric in metrics:
            content = _decoded(metric.data)
            if isinstance(content, dict) and metric.type == "FINAL":
                final = content
            elif isinstance(content, dict) and "reason" in content:
                failure = content
        return cls(job.hyperParameters[0].parameters, job.status, final, failure)

    def architecture(self, space: SearchSpace) -> Architecture:
        """Return what was scored, as the trial itself says; what the manager says of a trial that said nothing.

        Of two that start together the manager may give each the other's parameters.
        """
        said = {**self.failure, **self.final}.get("architecture")
        return from_nni(space.parameters, self.parameters) if said is None else space.validate(_decoded(said))

    @property
    def is_complete(self) -> bool:
        """Whether nothing more is to be expected of it."""
        return bool(self.final) if self.status == "SUCCEEDED" else True


def _decoded(data: Any) -> Any:
    """NNI writes JSON into JSON, once or twice."""
    while isinstance(data, str):
        data = json.loads(data)
    return data


def record(study: optuna.Study, proxy: Proxy, goal: Goal, report: Report) -> FrozenTrial:
    """Write the trial into the study as the search loop would, and return it."""
    architecture = report.architecture(proxy.space)
    trial = _begun(study, proxy.space, architecture)
    reason = _fault(proxy, goal, report)
    if reason:
        trial.set_user_attr("reason", reason)
        note_excess(trial, report.failure.get("excess", {}))
        for name, cost in report.failure.get("costs", {}).items():
            trial.set_user_attr(name, cost)
        return study.tell(trial, state=TrialState.PRUNED if report.failure.get("excess") else TrialState.FAIL)
    evaluation = evaluation_from(report.final["evaluation"])
    trial.set_user_attr("key", proxy.space.key(architecture))
    note_evaluation(trial, evaluation, timed_on(proxy.task))
    for step, accuracy in evaluation.curve[:-1]:  # the last is at the end
        trial.report(accuracy, step)
    return study.tell(trial, goal.values(evaluation))


def _begun(study: optuna.Study, space: SearchSpace, architecture: Architecture) -> optuna.Trial:
    """Begin a trial of this very architecture; ``study.ask`` would take up whatever waits there first."""
    running = create_trial(state=TrialState.RUNNING, params=dict(architecture), distributions=dict(space.parameters))
    return optuna.Trial(study, study._storage.create_new_trial(study._study_id, template_trial=running))


def _fault(proxy: Proxy, goal: Goal, report: Report) -> str:
    """Return why a trial has no score; empty where it has one."""
    if report.failure:
        return str(report.failure["reason"])
    if "evaluation" not in report.final:
        return f"NNI's trial {report.status.lower()} without a score; its folder holds what it said"
    if report.final.get("proxy") != proxy.fingerprint:
        return "it was scored by another proxy, teacher or task than this search's"
    try:
        goal.finite_values(evaluation_from(report.final["evaluation"]))
    except CandidateFailed as failure:
        return str(failure)
    return ""
