"""The search loop: a study's sampler proposes, the evaluator scores, the ledger records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import optuna
from optuna.trial import TrialState

from gtn_nas.proxy import Proxy, See
from gtn_nas.search.budget import Budget
from gtn_nas.search.engines import is_exhausted
from gtn_nas.search.evaluator import CandidateFailed, CandidateStopped, OverLimit, check, evaluate
from gtn_nas.search.ledger import known_evaluations, note_evaluation, note_excess, settled_trials
from gtn_nas.search.objectives import Goal

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
) -> None:
    """Propose and score candidates until the study holds ``trials`` settled trials, or the budget is spent.

    ``trials`` counts for the study, so that a search that was stopped goes on where it was. A candidate that any
    study of the storage scored before, with the same fingerprints, gets its known score; one that costs more than
    the limits is pruned unscored, one that the study's pruner gives up is pruned on the way, one that fails becomes a
    failed trial. All three say their reason.
    """
    goal = goal or Goal()
    _close_abandoned(study)
    known = known_evaluations(study)
    finished = len(settled_trials(study))
    if finished:
        study.sampler.reseed_rng()  # the same seed again would propose the same candidates again
    for _ in range(trials - finished):
        if (budget is not None and budget.spent) or is_exhausted(study):
            return
        trial = study.ask(fixed_distributions=dict(proxy.space.parameters))
        try:
            architecture = proxy.space.validate(trial.params)
            key = proxy.space.key(architecture)
            if key in known and (known[key].latency is not None or not goal.timed):
                known[key] = replace(known[key], excess=check(known[key].costs, goal.limits))
            else:
                known[key] = evaluate(proxy, architecture, seeds, goal.limits, goal.timed, _show(study, trial))
            note_evaluation(trial, key, known[key])
            told = study.tell(trial, goal.values(known[key]))
            known[key] = replace(known[key], seconds=0.0)
        except (OverLimit, CandidateStopped) as given_up:
            told = _settle(study, trial, TrialState.PRUNED, given_up)
        except CandidateFailed as failure:
            told = _settle(study, trial, TrialState.FAIL, failure)
        except BaseException:
            study.tell(trial, state=TrialState.FAIL)
            raise
        if on_trial is not None:
            on_trial(told)


def _show(study: optuna.Study, trial: optuna.Trial) -> See | None:
    """Return what hands the accuracy on the way to the study's pruner; several objectives have none."""
    if study.metric_names != ["accuracy"]:
        return None

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


def _close_abandoned(study: optuna.Study) -> None:
    """Mark trials that a killed search left running as failed; one search at a time may use a study."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
