"""Regularised evolution, the sampler that architecture search is measured against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from gtn_nas.space import SearchSpace

__all__ = ["RegularizedEvolution"]


class RegularizedEvolution(BaseSampler):
    """Ageing evolution (Real et al., 2019, algorithm 1): mutate the best of a sample of the youngest.

    A mutation is one of the space's neighbours of the parent, drawn uniformly. The first ``population`` candidates are
    random. For one objective.

    Args:
        space: what is searched.
        seed: of all draws.
        population: the trials that may become parents: the latest so many that were scored.
        sample: how many of them compete to be the parent.
    """

    def __init__(self, space: SearchSpace, seed: int, population: int = 50, sample: int = 10) -> None:
        self._space, self._population, self._sample = space, population, sample
        self._rng = np.random.default_rng(seed)
        self._independent = RandomSampler(seed=seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All parameters are chosen together."""
        return dict(self._space.parameters)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: Mapping[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Mutate a parent, or draw at random while there are too few; nothing for a candidate that is tried again."""
        if search_space.keys() != self._space.parameters.keys():  # what was killed keeps its parameters
            return {}
        scored = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        youngest = sorted(scored, key=lambda one: one.number)[-self._population :]
        if len(youngest) < self._population:
            return dict(self._space.sample(self._rng))
        chosen = self._rng.choice(len(youngest), size=min(self._sample, len(youngest)), replace=False)
        sign = 1 if study.direction is StudyDirection.MAXIMIZE else -1
        parent = max((youngest[number] for number in chosen), key=lambda one: sign * float(one.value or 0.0))
        children = list(self._space.neighbours(parent.params))
        return dict(children[int(self._rng.integers(len(children)))]) if children else dict(parent.params)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Draw a parameter that the space does not know."""
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def reseed_rng(self) -> None:
        """Draw something else from here on."""
        self._rng = np.random.default_rng()
        self._independent.reseed_rng()
