"""Reads and writes of one trial, gathered: Optuna makes some forty of them one by one, each a transaction of its own.

Beside a score of half a second that is a tenth of a search on an SQLite file, and more on a server far away.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import optuna
import sqlalchemy
from optuna.distributions import BaseDistribution, check_distribution_compatibility, distribution_to_json
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages._rdb.models import TrialModel
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import column, table
from sqlalchemy.orm import Session

__all__ = ["GatheringStorage", "gathered"]

_TRIALS = table("trials", column("trial_id"), column("state"))
_PARAMS = table(
    "trial_params", column("trial_id"), column("param_name"), column("param_value"), column("distribution_json")
)
_USER, _SYSTEM = (
    table(name, column("trial_id"), column("key"), column("value_json"))
    for name in ("trial_user_attributes", "trial_system_attributes")
)


@contextmanager
def gathered(study: optuna.Study, seen: list[FrozenTrial] | None = None) -> Iterator[None]:
    """Within the block other trials are read once, and what is written of this search's own is written at the end.

    For short blocks: what others write meanwhile is not seen, nor what is written here by them. What an exception
    cuts short is not written. Storages that are no database do everything at once, as ever.

    Args:
        study: in a storage.
        seen: all its trials, if they have just been read.
    """
    storage = study._storage
    if not isinstance(storage, GatheringStorage):
        yield
        return
    with storage.gathered({} if seen is None else {study._study_id: seen}):
        yield


@dataclass
class _Draft:
    """What one thread has read and not yet written."""

    seen: dict[int, list[FrozenTrial]]  # by study
    params: dict[int, dict[str, tuple[float, BaseDistribution]]] = field(default_factory=dict)  # of a trial
    user: dict[int, dict[str, Any]] = field(default_factory=dict)
    system: dict[int, dict[str, Any]] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)


class GatheringStorage(_CachedStorage):
    """Optuna's storage on a database, with :func:`gathered`; outside of it nothing is different.

    Trials that were begun through it are known without reading them, for nobody else writes to them but to close them;
    that is noticed by the next write, as ever (``UpdateFinishedTrialError``).
    """

    def __init__(self, backend: RDBStorage) -> None:
        super().__init__(backend)
        self._drafts: dict[int, _Draft] = {}  # by thread
        self._own: dict[int, FrozenTrial] = {}

    @contextmanager
    def gathered(self, seen: dict[int, list[FrozenTrial]]) -> Iterator[None]:
        """Gather what this thread does; ``seen``: what was just read, by study."""
        thread = threading.get_ident()
        draft = self._drafts[thread] = _Draft(seen)
        try:
            yield
            self._write()
        finally:
            del self._drafts[thread]
            for trial_id in draft.closed:
                del self._own[trial_id]

    @property
    def _draft(self) -> _Draft | None:
        return self._drafts.get(threading.get_ident())

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Begin a trial, at once: its number settles its turn."""
        trial_id = super().create_new_trial(study_id, template_trial)
        if template_trial is None:
            begun = self._studies[study_id].trials[self._trial_id_to_study_id_and_number[trial_id][1]]
            self._own[trial_id] = _copied(begun)
        return trial_id

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return a trial; one of this search's own as it will be written."""
        if self._draft is not None and trial_id in self._own:
            return _copied(self._own[trial_id])
        return super().get_trial(trial_id)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return a study's trials, as they were when the block first asked."""
        if (draft := self._draft) is None:
            return super().get_all_trials(study_id, deepcopy, states)
        if study_id not in draft.seen:
            draft.seen[study_id] = super().get_all_trials(study_id, deepcopy=False)
        found = [trial for trial in draft.seen[study_id] if states is None or trial.state in states]
        return copy.deepcopy(found) if deepcopy else found

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        """Note a parameter."""
        study_id, _ = self._trial_id_to_study_id_and_number[trial_id]
        known = self._studies[study_id].param_distribution.get(param_name)
        if (draft := self._draft) is None or trial_id not in self._own or known is None:
            super().set_trial_param(trial_id, param_name, param_value_internal, distribution)
        else:
            check_distribution_compatibility(known, distribution)
            draft.params.setdefault(trial_id, {})[param_name] = param_value_internal, distribution
        if trial_id in self._own:
            self._own[trial_id].params[param_name] = distribution.to_external_repr(param_value_internal)
            self._own[trial_id].distributions[param_name] = distribution

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Note an attribute."""
        if (draft := self._draft) is None or trial_id not in self._own:
            super().set_trial_user_attr(trial_id, key, value)
        else:
            draft.user.setdefault(trial_id, {})[key] = json.dumps(value)
        if trial_id in self._own:
            self._own[trial_id].user_attrs[key] = value

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Note an attribute of Optuna's."""
        if (draft := self._draft) is None or trial_id not in self._own:
            super().set_trial_system_attr(trial_id, key, value)
        else:
            draft.system.setdefault(trial_id, {})[key] = json.dumps(value)
        if trial_id in self._own:
            self._own[trial_id].system_attrs[key] = value

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        """Write what a pruner is shown."""
        super().set_trial_intermediate_value(trial_id, step, intermediate_value)
        if trial_id in self._own:
            self._own[trial_id].intermediate_values[step] = intermediate_value

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Close a trial, after all that was noted of it, or take up one that waits.

        A closed one is read like any other after the block.
        """
        if state is TrialState.RUNNING:
            return self._take_up(trial_id)
        draft = self._draft
        if draft is not None:
            self._write()
        done = super().set_trial_state_values(trial_id, state, values)
        if trial_id in self._own and draft is None:
            del self._own[trial_id]
        elif draft is not None and trial_id in self._own:
            draft.closed.add(trial_id)
            own = self._own[trial_id]
            own.state, own.values, own.datetime_complete = state, values, datetime.now()
        return done

    def _take_up(self, trial_id: int) -> bool:
        """Begin a trial that waits; False where another search has. Optuna looks first, and on SQLite both find it."""
        waits = (TrialModel.trial_id == trial_id) & (TrialModel.state == TrialState.WAITING)
        with Session(self._backend.engine) as session, session.begin():
            take = sqlalchemy.update(TrialModel).where(waits).values(state=TrialState.RUNNING)
            if session.connection().execute(take).rowcount != 1:
                return False
            session.get_one(TrialModel, trial_id).datetime_start = datetime.now()
        return True

    def _write(self) -> None:
        """Write what this thread has gathered in one transaction."""
        draft = self._draft
        assert draft is not None
        touched = {*draft.params, *draft.user, *draft.system}
        if not touched:
            return
        params = [
            {
                "trial_id": trial_id,
                "param_name": name,
                "param_value": value,
                "distribution_json": distribution_to_json(distribution),
            }
            for trial_id, found in draft.params.items()
            for name, (value, distribution) in found.items()
        ]
        with self._backend.engine.begin() as connection:
            if params:
                connection.execute(sqlalchemy.insert(_PARAMS), params)
            for where, what in ((_USER, draft.user), (_SYSTEM, draft.system)):
                for trial_id, found in what.items():
                    same = (where.c.trial_id == trial_id) & where.c.key.in_(list(found))
                    connection.execute(sqlalchemy.delete(where).where(same))
                    rows = [{"trial_id": trial_id, "key": key, "value_json": value} for key, value in found.items()]
                    connection.execute(sqlalchemy.insert(where), rows)
            states = connection.execute(
                sqlalchemy.select(_TRIALS.c.state).where(_TRIALS.c.trial_id.in_(sorted(touched)))
            )
            if any(str(state) != TrialState.RUNNING.name for (state,) in states):
                raise UpdateFinishedTrialError("a search took this one's trial for dead and closed it.")
        draft.params, draft.user, draft.system = {}, {}, {}


def _copied(trial: FrozenTrial) -> FrozenTrial:
    """Return a copy that no later write reaches; copy.deepcopy may meet a sign of life from another thread."""
    made = copy.copy(trial)
    for name in ("params", "distributions", "user_attrs", "system_attrs", "intermediate_values"):
        setattr(made, name, dict(getattr(trial, name)))
    return made
