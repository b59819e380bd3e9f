"""A study that several searches share: whose turn it is, and what becomes of a candidate whose search died.

Optuna numbers a study's trials one by one, whatever the storage, and that order settles everything. Of the trials that
count (scored, given up, failed for a reason, or being scored), those with a lower number come first: a trial that finds
as many of them as the study shall hold is one too many and is dropped; a trial that finds its own architecture among
them waits for its score, or is dropped where a study is to hold none twice.
"""

from __future__ import annotations

import time
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.samplers import PartialFixedSampler
from optuna.trial import FrozenTrial, TrialState

from gtn_nas.errors import UserError
from gtn_nas.search.budget import Budget
from gtn_nas.search.engines import meets_each_once
from gtn_nas.search.gathering import gathered
from gtn_nas.search.interrupts import deferred_interrupts
from gtn_nas.search.ledger import is_settled
from gtn_nas.search.storage import is_file
from gtn_nas.search.worker import BEAT, WORKER, Rhythm, Worker
from gtn_nas.space import SearchSpace

__all__ = ["DEATHS", "OneTooMany", "Turns"]

DEATHS = "died_before"  # a trial's attribute: the trials of the same candidate whose searches died
_LIVES = 3
_OPEN = (TrialState.RUNNING, TrialState.WAITING)


def _waits(trial: FrozenTrial) -> bool:
    """Whether a candidate was asked for from outside, by Optuna's ``enqueue_trial``; the next trial takes it up."""
    return trial.state is TrialState.WAITING


class OneTooMany(Exception):
    """A trial that a study has no room for."""


class Turns:
    """One search's place among those that share a study.

    Args:
        study: what they share.
        trials: settled trials that it shall hold.
        space: of its candidates.
        rhythm: of signs of life.
    """

    def __init__(self, study: optuna.Study, trials: int, space: SearchSpace, rhythm: Rhythm) -> None:
        self.me = Worker.here()
        self._once = meets_each_once(study)
        self._study, self._trials, self._space, self._rhythm = study, trials, space, rhythm
        self._heard: dict[int, tuple[Any, float]] = {}  # of a running trial: its last sign of life, and since when
        self._others: dict[int, Any] | None = None
        self._begun: optuna.Trial | None = None
        self._seen: list[FrozenTrial] = []  # at the last look
        self._mine: set[int] = set()
        self._reseeded = False

    def next(self, budget: Budget | None = None) -> optuna.Trial | None:
        """Return a candidate to score; None where the study is full or time is up.

        What was asked for from outside comes first, then what a dead search left, then what is new.

        Raises:
            UserError: another host works on the same SQLite file.
        """
        while budget is None or not budget.spent:
            trials = self._look()
            if sum(map(is_settled, trials)) >= self._trials:
                return None
            waiting = list(filter(_waits, trials))
            if waiting and self._before(trials, waiting[0].number) < self._trials:
                return self._ask(trials)
            dead = next((trial for trial in trials if self._died(trial)), None)
            if dead is not None:
                dead = self._now(dead)
                if self._bury(dead) and dead.params and not waiting:  # which would be taken up in its stead
                    return self._ask(trials, dead)
            elif self._before(trials, len(trials)) < self._trials:
                return self._ask(trials)
            else:
                time.sleep(self._rhythm.look)  # the last ones are being scored; one of them may die
        return None

    def leave(self) -> None:
        """Close the trial that was begun last, if nobody did; it does not count."""
        if self._begun is not None:
            with deferred_interrupts():  # whoever is impatient may send more than one
                self._study.tell(self._begun, state=TrialState.FAIL, skip_if_finished=True)

    def settle_on(self, trial: optuna.Trial, key: str) -> FrozenTrial | None:
        """Return the trial of the same architecture, ``key``, that was scored before ``trial``, waiting for it.

        None: ``trial`` is the first, and is to be scored.

        Raises:
            OneTooMany: another search began the study's last trial at the same time, or settled this architecture in
                a study that is to hold none twice.
        """
        trials = self._seen if self._saw_all_before(trial.number) else self._look()
        while True:
            if self._before(trials, trial.number) >= self._trials:
                raise OneTooMany
            before = trials[: trial.number]
            if self._once and any(is_settled(one) and one.user_attrs.get("key") == key for one in before):
                raise OneTooMany
            scored = [one for one in before if one.state is TrialState.COMPLETE and one.user_attrs.get("key") == key]
            if scored:
                return scored[0]
            same = [one for one in before if one.state is TrialState.RUNNING and one.user_attrs.get("key", key) == key]
            if not same:
                return None
            for one in same:
                if self._died(one) and self._now(one).user_attrs.get("key", key) == key:
                    self._bury(one)  # this trial is of the same candidate, or of one that was not yet chosen
            time.sleep(self._rhythm.look)
            trials = self._look()

    def _look(self) -> list[FrozenTrial]:
        self._seen = trials = self._study.get_trials(deepcopy=False)
        if is_file(self._study):
            self._check_hosts(trials)
        return trials

    def _saw_all_before(self, number: int) -> bool:
        """Whether nothing can have become of the trials before ``number`` since the last look: all had ended."""
        return len(self._seen) == number and all(trial.state.is_finished() for trial in self._seen)

    def _before(self, trials: list[FrozenTrial], number: int) -> int:
        """Count the trials with lower numbers that count."""
        return sum(trial.state in _OPEN or is_settled(trial) for trial in trials[:number])

    def _ask(self, trials: list[FrozenTrial], again: FrozenTrial | None = None) -> optuna.Trial:
        """Begin a trial, of a new candidate or of that of ``again``."""
        study = self._study
        if not self._reseeded and len(trials) > len(self._mine):
            study.sampler.reseed_rng()  # the same seed as another search's would propose the same candidates
            self._reseeded = True
        sampler = study.sampler
        if again is not None:
            study.sampler = PartialFixedSampler(again.params, sampler)
        with deferred_interrupts(), gathered(study, trials):  # until there is a trial that can be closed
            try:
                self._begun = trial = study.ask(fixed_distributions=dict(self._space.parameters))
            finally:
                study.sampler = sampler
            self._mine.add(trial.number)
            trial.set_user_attr(WORKER, self.me.noted())
            trial.set_user_attr("key", self._space.key(trial.params))
            if again is not None:
                trial.set_user_attr(DEATHS, [*again.user_attrs.get(DEATHS, []), again.number])
        return trial

    def _died(self, trial: FrozenTrial) -> bool:
        """Whether a running trial's search has ended, or has been silent for too long by this one's own clock."""
        if trial.state is not TrialState.RUNNING:
            return False
        worker = Worker.of(trial.user_attrs)
        sign = (worker, trial.user_attrs.get(BEAT))
        heard, since = self._heard.get(trial.number, (None, 0.0))
        if sign != heard:
            self._heard[trial.number] = sign, time.monotonic()
            return worker is not None and worker.gone()
        return time.monotonic() - since > self._rhythm.patience or (worker is not None and worker.gone())

    def _now(self, trial: FrozenTrial) -> FrozenTrial:
        """Return the trial as it is: what was looked at may be from before its search's last words."""
        return self._study._storage.get_trial(trial._trial_id)

    def _bury(self, trial: FrozenTrial) -> bool:
        """Close a dead search's trial; whether its candidate is to be tried again, and by this search."""
        deaths = len(trial.user_attrs.get(DEATHS, [])) + 1
        storage = self._study._storage
        try:
            if deaths >= _LIVES:
                reason = f"the process that scored it was killed, {deaths} times in all"
                storage.set_trial_user_attr(trial._trial_id, "reason", reason)
            storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        except UpdateFinishedTrialError:  # another search was quicker
            return False
        return deaths < _LIVES

    def _check_hosts(self, trials: list[FrozenTrial]) -> None:
        """Refuse a file on which another host works now: some trial of its changed under our eyes."""
        found = {
            trial.number: (trial.state, trial.user_attrs.get(BEAT))
            for trial in trials
            if (worker := Worker.of(trial.user_attrs)) is not None and worker.boot != self.me.boot
        }
        if self._others is not None:
            for number, state in found.items():
                if self._others.get(number) != state and state[0] is not TrialState.FAIL:  # we may have buried it
                    host = trials[number].user_attrs[WORKER]["host"]
                    raise UserError(
                        f"host {host!r} works on the same SQLite file, which is safe on one machine alone; share "
                        "--storage postgresql://user@host/database, or gtn-nas storage serve --storage sqlite:///… on "
                        "one machine and --storage grpc://host:13000 on all."
                    )
        self._others = found
