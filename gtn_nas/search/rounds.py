"""A search that learns from its own verifications: propose, train the best for real, calibrate the score, go on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import optuna
from optuna.trial import FrozenTrial, TrialState

from gtn_nas.calibration import LEAST_TRAINED, Calibrated, Known
from gtn_nas.errors import UserError
from gtn_nas.proxy import Proxy
from gtn_nas.search.budget import Budget
from gtn_nas.search.ledger import (
    architecture_of,
    best_trials,
    evaluation_of,
    record_verified,
    scored_trials,
    verified_rows,
)
from gtn_nas.search.objectives import Goal
from gtn_nas.search.verify import verified_by
from gtn_nas.training import Recipe

__all__ = ["Plan", "search_in_rounds"]

Open = Callable[[int, Proxy], optuna.Study]
Explore = Callable[[optuna.Study, Proxy, int], None]
Train = Callable[[optuna.Study, Proxy, Sequence[FrozenTrial]], object]


@dataclass(frozen=True)
class Plan:
    """Candidates and real trainings in all, and the trainings after which the score is calibrated anew.

    ``known``: architectures whose accuracy was known before, by which the score is calibrated from the beginning.

    Raises:
        UserError: there would be too little to calibrate by.
    """

    trials: int
    verify: int
    every: int
    recipe: Recipe
    goal: Goal
    known: Sequence[Known] = ()

    def __post_init__(self) -> None:
        if self.every > self.verify:
            raise UserError(
                f"--calibrate-every {self.every} needs as many real trainings, but --verify is {self.verify}; raise it."
            )
        if self.every + len(self.known) < LEAST_TRAINED:
            raise UserError(
                f"calibration needs {LEAST_TRAINED} trained architectures, but --calibrate-every {self.every} "
                "begins with fewer; raise it, or give a truth table with --calibrate."
            )

    @property
    def rounds(self) -> int:
        """How often candidates are proposed and the best trained."""
        return math.ceil(self.verify / self.every)


def search_in_rounds(
    plan: Plan, proxy: Proxy, open_round: Open, explore: Explore, train: Train, budget: Budget | None = None
) -> optuna.Study:
    """Search and verify by turns; return the last round's study, which holds all candidates and all trainings.

    Each round has a study of its own, for its scores are on a scale of its own: what earlier rounds scored is told
    to its sampler anew, with the accuracy now expected, at no cost. The same call goes on where it was stopped. It
    ends early where a round could not train enough to calibrate by, and with the round in which the budget is spent:
    the next one's score is to stand on all that this one would have trained.

    Args:
        plan: how much of everything.
        proxy: the score to calibrate.
        open_round: from a round's number, 0 first, and its proxy to its study.
        explore: search a study until it holds so many candidates.
        train: verify these trials.
        budget: the one that ``explore`` and ``train`` heed.
    """
    current: Proxy = Calibrated(proxy, plan.known) if plan.known else proxy
    study = open_round(0, current)
    for number in range(plan.rounds):
        if number > 0:
            known = [*plan.known, *_learned(study, plan.recipe)]
            if len(known) < LEAST_TRAINED:
                break  # candidates failed before there was enough to learn from
            current = Calibrated(proxy, known, _scored(study, proxy))
            last, study = study, open_round(number, current)
            _tell_anew(last, study, current, plan.goal)
        done = {row["key"] for row in verified_by(study, plan.recipe)}
        missing = max(0, min(plan.verify, plan.every * (number + 1)) - len(done))
        if missing == 0 and number + 1 < plan.rounds:
            continue  # the next round's score stands on what this one found: more candidates are for the last
        explore(study, current, plan.trials * (number + 1) // plan.rounds)
        left = [trial for trial in best_trials(study, len(study.trials)) if trial.user_attrs["key"] not in done]
        train(study, current, left[:missing])
        if budget is not None and budget.spent:
            break
    return study


def _learned(study: optuna.Study, recipe: Recipe) -> list[Known]:
    """Return what the study's verifications taught; validation accuracies, for they serve a choice."""
    scored = scored_trials(study)
    found = []
    for row in verified_by(study, recipe):
        noted = scored[row["key"]].user_attrs
        accuracy, score = float(row["validation_accuracy"]), _raw(scored[row["key"]])
        found.append(Known(row["architecture"], accuracy, score, noted["params"], noted["flops"]))
    return found


def _scored(study: optuna.Study, proxy: Proxy) -> list[Known]:
    """Return every scored candidate; its accuracy is not known."""
    return [_candidate(trial, proxy) for trial in scored_trials(study).values()]


def _candidate(trial: FrozenTrial, proxy: Proxy) -> Known:
    noted = trial.user_attrs
    return Known(architecture_of(trial, proxy.space), math.nan, _raw(trial), noted["params"], noted["flops"])


def _raw(trial: FrozenTrial) -> float:
    """Return the score as the uncalibrated proxy gave it."""
    evaluation = evaluation_of(trial)
    return float(evaluation.readings.get("score", evaluation.value))


def _tell_anew(last: optuna.Study, study: optuna.Study, proxy: Calibrated, goal: Goal) -> None:
    """Fill a new round's study with the last one's trials, numbers kept, and with its real trainings."""
    ended = last.get_trials(deepcopy=True, states=(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL))
    for trial in ended[len(study.trials) :]:  # none is left of a round that was told, some where that was interrupted
        if trial.state is TrialState.COMPLETE:
            _expect_anew(trial, proxy, goal)
        study.add_trial(trial)
    if not verified_rows(study):
        record_verified(study, verified_rows(last))


def _expect_anew(trial: FrozenTrial, proxy: Calibrated, goal: Goal) -> None:
    candidate = _candidate(trial, proxy)
    expected = proxy.predict([candidate])
    value = float(expected.accuracy[0])
    ends = {"low": float(expected.low[0]), "high": float(expected.high[0])}
    readings: dict[str, float] = {**trial.user_attrs["readings"], "score": candidate.score, **ends}
    trial.values = goal.values(replace(evaluation_of(trial), value=value, readings=readings))
    trial.set_user_attr("scores", [value])
    trial.set_user_attr("readings", readings)
