"""The search loop: a study's sampler proposes, the evaluator scores, the ledger records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from gtn_nas.proxy import Proxy
from gtn_nas.search.budget import Budget
from gtn_nas.search.engines import is_exhausted
from gtn_nas.search.evaluator import CandidateFailed, CandidateStopped, Evaluation, OverLimit, check, evaluate
from gtn_nas.search.gathering import gathered
from gtn_nas.search.latency import Hardware, timed_on
from gtn_nas.search.ledger import evaluation_of, known_evaluations, note_evaluation, note_excess
from gtn_nas.search.objectives import Goal
from gtn_nas.search.storage import saying_what_failed
from gtn_nas.search.turns import OneTooMany, Turns
from gtn_nas.search.worker import Rhythm, beating

__all__ = ["search"]

OnTrial = Callable[[optuna.trial.FrozenTrial], None]


def search(
    study: optuna.Study,
    proxy: Proxy,
    trials: int,
    seeds: int,
    on_trial: OnTrial | None = None,
    goal: Goal | None = None,
    budget: Budget | None = None,
    rhythm: Rhythm | None = None,
) -> None:
    """Propose and score candidates until the study holds ``trials`` settled trials, or the budget is spent.

    Any number of searches may share a study, from one host or several: ``trials`` counts for the study and is met
    exactly, so that a search that was stopped goes on where it was. A candidate that any study of the storage scored
    before, with the same fingerprints, gets its known score, one that another search of the study is just scoring
    that score; one whose search was killed is tried again. Where latency matters, one that was timed on other hardware,
    or with other threads, is scored anew. A candidate that costs more than the limits is pruned unscored, one that the
    study's pruner gives up is pruned on the way, one that fails becomes a failed trial. All three say their reason.

    Raises:
        UserError: searches on several hosts share an SQLite file, the storage fails, or the proxy cannot measure an
            objective.
    """
    goal, rhythm = goal or Goal(), rhythm or Rhythm()
    proxy = goal.prepared(proxy)
    with saying_what_failed(study):
        _search(study, proxy, trials, seeds, on_trial, goal, budget, rhythm)


def _search(
    study: optuna.Study,
    proxy: Proxy,
    trials: int,
    seeds: int,
    on_trial: OnTrial | None,
    goal: Goal,
    budget: Budget | None,
    rhythm: Rhythm,
) -> None:
    turns = Turns(study, trials, proxy.space, rhythm)
    here = timed_on(proxy.task)
    known = known_evaluations(study, here)
    try:
        while not is_exhausted(study) and (trial := turns.next(budget)) is not None:
            try:
                with beating(trial, rhythm.beat):
                    told = _score(study, trial, turns, known, here, proxy, seeds, goal)
            except OneTooMany:
                turns.leave()
                continue
            except UpdateFinishedTrialError:  # silent for too long, it was taken for dead: another search has it
                continue
            if on_trial is not None:
                on_trial(told)
    except BaseException:
        turns.leave()
        raise


def _score(
    study: optuna.Study,
    trial: optuna.Trial,
    turns: Turns,
    known: dict[str, Evaluation],
    here: Hardware,
    proxy: Proxy,
    seeds: int,
    goal: Goal,
) -> optuna.trial.FrozenTrial:
    """Settle a trial; what was measured joins ``known``."""
    architecture = proxy.space.validate(trial.params)
    key = proxy.space.key(architecture)
    scored = turns.settle_on(trial, key)
    if scored is not None:
        known.setdefault(key, evaluation_of(scored, here))
    try:
        if key in known and goal.is_served_by(known[key]):
            known[key] = replace(known[key], excess=check(known[key].costs, goal.limits))
        else:
            pruner = None if isinstance(study.pruner, optuna.pruners.NopPruner) else _show(trial)
            known[key] = evaluate(proxy, architecture, seeds, goal.limits, goal.timed, pruner)
        values = goal.finite_values(known[key])
    except (OverLimit, CandidateStopped) as given_up:
        return _settle(study, trial, TrialState.PRUNED, given_up)
    except CandidateFailed as failure:
        return _settle(study, trial, TrialState.FAIL, failure)
    with gathered(study):
        note_evaluation(trial, known[key], here)
        told = study.tell(trial, values)
    known[key] = replace(known[key], seconds=0.0)
    return told


def _show(trial: optuna.Trial) -> Callable[[int, float], None]:
    """Return what hands the accuracy on the way to the study's pruner."""

    def report(step: int, accuracy: float) -> None:
        trial.report(accuracy, step)
        if trial.should_prune():
            raise CandidateStopped(f"stopped after {step} steps, at accuracy {accuracy:.3f}")

    return report


def _settle(
    study: optuna.Study,
    trial: optuna.Trial,
    state: TrialState,
    reason: CandidateFailed | CandidateStopped | OverLimit,
) -> optuna.trial.FrozenTrial:
    trial.set_user_attr("reason", str(reason))
    if isinstance(reason, OverLimit):
        note_excess(trial, reason.excess)
        for name, cost in reason.costs.items():
            trial.set_user_attr(name, cost)
    return study.tell(trial, state=state)
