"""Every architecture of a small space, each once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from gtn_nas.search.ledger import is_settled
from gtn_nas.space import Architecture, SearchSpace

__all__ = ["Exhaustive"]


class Exhaustive(BaseSampler):
    """Draw from the architectures that no trial has settled, those first that none is being scored.

    Optuna's samplers of this kind take a trial that an interruption or a death closed for a visit, and leave its
    architecture out.

    Args:
        space: of few enough architectures to list.
        seed: of the order.
    """

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space = space
        self._rng = np.random.default_rng(seed)
        self._independent = RandomSampler(seed=seed)

    @cached_property
    def _all(self) -> dict[str, Architecture]:
        return {self._space.key(architecture): architecture for architecture in self._space.grid()}

    def is_exhausted(self, study: Study) -> bool:
        """Whether every architecture is settled."""
        return len(self._keys(filter(is_settled, study.get_trials(deepcopy=False)))) == len(self._all)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All parameters are chosen together."""
        return dict(self._space.parameters)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: Mapping[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Draw one; nothing for a candidate that is tried again, whose parameters are fixed."""
        if search_space.keys() != self._space.parameters.keys():
            return {}
        others = [one for one in study.get_trials(deepcopy=False) if one.number != trial.number]
        settled = self._keys(filter(is_settled, others))
        begun = self._keys(one for one in others if one.state is TrialState.RUNNING)
        left = [key for key in self._all if key not in settled]
        free = [key for key in left if key not in begun] or left
        return dict(self._all[free[int(self._rng.integers(len(free)))]]) if free else {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Draw a parameter that the space does not know, or of a search that goes on when all is settled."""
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def reseed_rng(self) -> None:
        """Draw in another order from here on."""
        self._rng = np.random.default_rng()
        self._independent.reseed_rng()

    def _keys(self, trials: Iterable[FrozenTrial]) -> set[str]:
        """Return the architectures of some trials, as far as they are known: one that was just begun may have none."""
        found = (trial.user_attrs.get("key") or self._key_of(trial.params) for trial in trials)
        return {key for key in found if key in self._all}

    def _key_of(self, params: dict[str, Any]) -> str | None:
        return self._space.key(params) if params.keys() == self._space.parameters.keys() else None
