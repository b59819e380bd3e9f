"""What lets NNI's algorithms propose in a search of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from gtn_nas.errors import UserError
from gtn_nas.space import Architecture, SearchSpace

__all__ = ["NniSampler", "Proposal", "Proposer"]

_ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass(frozen=True)
class Proposal:
    """An architecture, and the number that its proposer knows it by."""

    number: int
    architecture: Architecture


class Proposer(Protocol):
    """An algorithm of NNI's. Values are to be as high as possible; None stands for a candidate without one."""

    def propose(self) -> Proposal | None:
        """Return the next candidate, None when the space is exhausted."""
        ...

    def tell(self, proposal: Proposal, value: float | None) -> None:
        """Say what became of a proposal."""
        ...

    def learn(self, architecture: Architecture, value: float) -> None:
        """Take in a result that was not proposed here."""
        ...


class NniSampler(BaseSampler):
    """Ask a proposer for candidates and tell it what the study says became of them. For one objective.

    A study that has trials already is replayed first: the proposer is asked again, and as long as it proposes what
    it proposed then, it is told the known result, which leaves it as it was. From the first difference on (another
    seed, another engine's trials) it is only told.

    Args:
        space: what is searched.
        proposer: fresh.
    """

    def __init__(self, space: SearchSpace, proposer: Proposer) -> None:
        self._space, self._proposer = space, proposer
        self._asked: dict[int, Proposal] = {}  # by the trial's number
        self._heard: set[int] = set()
        self._spare: list[Proposal] = []  # made but not used: what is proposed next
        self._replays = True
        self._independent = RandomSampler(seed=0)

    def is_exhausted(self, study: Study) -> bool:
        """Whether there is nothing left to propose."""
        self._catch_up(study)
        proposal = self._next()
        if proposal is not None:
            self._spare.append(proposal)
        return proposal is None

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All parameters are chosen together."""
        return dict(self._space.parameters)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: Mapping[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the next proposal, the proposer knowing how the earlier ones ended.

        Nothing for a candidate that is tried again, whose parameters are fixed: the proposer will be told of it.

        Raises:
            UserError: the space is exhausted, which a search asks before.
        """
        if search_space.keys() != self._space.parameters.keys():
            return {}
        self._catch_up(study)
        self._replays = False
        proposal = self._next()
        if proposal is None:
            raise UserError(f"space {self._space.name!r} is exhausted; ask for fewer trials.")
        self._asked[trial.number] = proposal
        return dict(proposal.architecture)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Draw a parameter that the space does not know."""
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def reseed_rng(self) -> None:
        """Do nothing: the replay has brought the proposer to where it was."""

    def _next(self) -> Proposal | None:
        return self._spare.pop() if self._spare else self._proposer.propose()

    def _catch_up(self, study: Study) -> None:
        """Tell of every trial that ended since."""
        sign = 1 if study.direction is StudyDirection.MAXIMIZE else -1
        for trial in study.get_trials(deepcopy=False, states=_ENDED):
            if trial.number in self._heard or trial.params.keys() != self._space.parameters.keys():
                continue
            self._heard.add(trial.number)
            value = sign * trial.values[0] if trial.values else None
            if trial.number in self._asked:
                self._proposer.tell(self._asked.pop(trial.number), value)
            else:
                self._relive(self._space.validate(trial.params), value)

    def _relive(self, architecture: Architecture, value: float | None) -> None:
        if self._replays:
            proposal = self._next()
            if proposal is not None and proposal.architecture == architecture:
                self._proposer.tell(proposal, value)
                return
            self._replays = False
            if proposal is not None:
                self._spare.append(proposal)
        if value is not None:
            self._proposer.learn(architecture, value)
