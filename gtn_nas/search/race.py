"""Racing: the leaders of a search are scored again from more initialisations, the better half of them going on."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import optuna
from optuna.trial import FrozenTrial

from gtn_nas.errors import UserError
from gtn_nas.proxy import Proxy
from gtn_nas.search.budget import Budget
from gtn_nas.search.evaluator import CandidateFailed, score_over_seeds
from gtn_nas.search.ledger import (
    Standing,
    architecture_of,
    evaluation_of,
    ranked_by_score,
    record_standings,
    standings,
)
from gtn_nas.search.objectives import OBJECTIVES, Goal

__all__ = ["Race", "lessons"]

_STAGES = 3  # each doubles the initialisations of those that are left
_UNSEEDED = ("params", "flops", "latency")


@dataclass(frozen=True)
class Race:
    """Successive halving (Jamieson and Talwalkar, 2016) over initialisations, among the best by score.

    All ``field`` of them are scored from twice as many initialisations as the search gave them, the better half from
    four times as many, the better half of these from eight. Who comes further is ahead; then the mean counts.

    Raises:
        UserError: there is no single objective that depends on the initialisation.
    """

    field: int
    proxy: Proxy
    goal: Goal
    seeds: int = 1

    def __post_init__(self) -> None:
        if len(self.goal.names) > 1:
            raise UserError(
                f"a race orders by one objective, but this search has {', '.join(self.goal.names)}; leave --race out."
            )
        fixed = self.goal.names[0] if self.goal.names[0] in _UNSEEDED else self.proxy.name
        if not self.proxy.seeded or self.goal.names[0] in _UNSEEDED:
            raise UserError(f"a race is run over initialisations, on which {fixed} does not depend; leave --race out.")

    def run(self, study: optuna.Study, budget: Budget, on_scored: Callable[[], None] = lambda: None) -> None:
        """Run it among the study's best, and note the order with the study.

        What an earlier race scored is not scored again: the same race twice is one. A stage that the budget or a
        Ctrl-C ends does not count.
        """
        entered = ranked_by_score(study)[: self.field]
        now = {key: replace(one, stage=0) for key, one in standings(study).items()}
        for trial in entered:
            now.setdefault(trial.user_attrs["key"], Standing((float(trial.values[0]),), self.seeds))
        left: Sequence[FrozenTrial] = entered
        for stage in range(1, _STAGES + 1):
            passed = []
            for trial in left:
                if budget.spent:
                    return
                key = trial.user_attrs["key"]
                try:
                    now[key] = self._after(trial, now[key], stage)
                    passed.append(trial)
                except CandidateFailed:
                    pass  # it does not train from every initialisation, and goes no further
                record_standings(study, now, entered)
                on_scored()
            for trial in passed:
                now[trial.user_attrs["key"]] = replace(now[trial.user_attrs["key"]], stage=stage)
            record_standings(study, now, entered)
            left = sorted(passed, key=lambda trial: self._place(trial, now))[: -(-len(passed) // 2)]

    def _after(self, trial: FrozenTrial, before: Standing, stage: int) -> Standing:
        """Return the standing with the mean after ``stage``; the one before it is there."""
        if len(before.means) > stage:
            return before
        seen = before.seeds_at(stage - 1)  # as many again make a stage
        scores = score_over_seeds(self.proxy, architecture_of(trial, self.proxy.space), seen, first=seen)
        readings = {name: statistics.fmean(one.readings[name] for one in scores) for name in scores[0].readings}
        mean = statistics.fmean(score.value for score in scores)
        (value,) = self.goal.values(replace(evaluation_of(trial), value=mean, readings=readings))
        return replace(before, means=(*before.means, (before.means[-1] + value) / 2))

    def _place(self, trial: FrozenTrial, now: dict[str, Standing]) -> tuple[float, int]:
        sign = -1 if OBJECTIVES[self.goal.names[0]].direction == "maximize" else 1
        one = now[trial.user_attrs["key"]]
        return sign * one.means[one.stage], trial.user_attrs["params"]


def lessons(field: int) -> int:
    """Return how many candidates the stages of a race score."""
    found = 0
    for _ in range(_STAGES):
        found, field = found + field, -(-field // 2)
    return found
