"""NNI's own tuners in this process: no manager, no Node, no Lightning."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gtn_nas.nni_import import import_nni
from gtn_nas.search.nni.convert import from_nni, to_nni
from gtn_nas.search.nni.sampler import Proposal
from gtn_nas.space import Architecture, SearchSpace

__all__ = ["TUNERS", "TunerProposer"]

_TUNERS_AT = "nni.algorithms.hpo"


def _tpe(seed: int) -> Any:
    return import_nni(f"{_TUNERS_AT}.tpe_tuner").TpeTuner(optimize_mode="maximize", seed=seed)


def _random(seed: int) -> Any:
    return import_nni(f"{_TUNERS_AT}.random_tuner").RandomTuner(seed=seed)


def _grid(seed: int) -> Any:
    return import_nni(f"{_TUNERS_AT}.gridsearch_tuner").GridSearchTuner()


def _evolution(seed: int) -> Any:
    module = import_nni(f"{_TUNERS_AT}.evolution_tuner")

    class Evolution(module.EvolutionTuner):  # type: ignore[misc, name-defined]
        """With a seed, which NNI's has not, and able to take over results, which NNI's ignores."""

        def update_search_space(self, search_space: dict[str, Any]) -> None:
            super().update_search_space(search_space)
            self.random_state = np.random.RandomState(seed)
            self.population.clear()
            for _ in range(self.population_size):
                self._random_generate_individual()

        def import_data(self, data: list[dict[str, Any]]) -> None:
            for trial in data:
                config = {name: self._indexed(name, value) for name, value in trial["parameter"].items()}
                waiting = [one for one in self.population if one.result is None]
                if waiting:
                    self.population.remove(waiting[-1])  # the population keeps its size
                self.population.append(module.Individual(config=config, result=trial["value"]))

        def _indexed(self, name: str, value: Any) -> Any:
            kind = self.searchspace_json[name]
            if kind["_type"] != "choice":
                return value
            return {"_index": kind["_value"].index(value), "_value": value}

    return Evolution(optimize_mode="maximize")


def _anneal(seed: int) -> Any:
    module = import_nni(f"{_TUNERS_AT}.hyperopt_tuner")

    class Anneal(module.HyperoptTuner):  # type: ignore[misc, name-defined]
        """With a seed, which NNI's has not, and with plain numbers, which today's numpy makes it stumble without."""

        def update_search_space(self, search_space: dict[str, Any]) -> None:
            super().update_search_space(search_space)
            self.rval.rstate = np.random.RandomState(seed)

        def receive_trial_result(self, parameter_id: int, parameters: Any, value: float, **options: Any) -> None:
            given = self.total_data.get(parameter_id, {})
            self.total_data[parameter_id] = {
                name: one.item() if isinstance(one, np.generic) else one for name, one in given.items()
            }
            super().receive_trial_result(parameter_id, parameters, value, **options)

    return Anneal("anneal", optimize_mode="maximize")


TUNERS: dict[str, Callable[[int], Any]] = {
    "tpe": _tpe,
    "random": _random,
    "grid": _grid,
    "evolution": _evolution,
    "anneal": _anneal,
}


class TunerProposer:
    """One of NNI's tuners, spoken to as its dispatcher would.

    Args:
        space: what is searched.
        name: a key of ``TUNERS``.
        seed: of all its draws.

    Raises:
        UserError: NNI is not installed.
    """

    def __init__(self, space: SearchSpace, name: str, seed: int) -> None:
        self._parameters = space.parameters
        self._luck = random.Random(seed).getstate()
        self._count = 0
        self._given: dict[int, Any] = {}  # what the tuner wrote, by number: it wants the same back
        with self._own_luck():
            self._tuner = TUNERS[name](seed)
            self._tuner.update_search_space(to_nni(space.parameters))

    def propose(self) -> Proposal | None:
        """Return the tuner's next candidate, None when it has no more."""
        number, self._count = self._count, self._count + 1
        with self._own_luck():
            given = self._tuner.generate_multiple_parameters([number], st_callback=lambda *_: None)
        if not given:
            return None
        self._given[number] = given[0]
        return Proposal(number, from_nni(self._parameters, given[0]))

    def tell(self, proposal: Proposal, value: float | None) -> None:
        """Report a result, and the trial's end."""
        given = self._given.pop(proposal.number)
        with self._own_luck():
            if value is not None:
                self._tuner.receive_trial_result(proposal.number, given, value)
            self._tuner.trial_end(proposal.number, value is not None)

    def learn(self, architecture: Architecture, value: float) -> None:
        """Import a result, as NNI does when an experiment takes over another's data."""
        with self._own_luck():
            self._tuner.import_data([{"parameter": dict(architecture), "value": value}])

    @contextmanager
    def _own_luck(self) -> Iterator[None]:
        """NNI's evolution draws from Python's global generator: give it one of its own, and leave that as it was."""
        outside = random.getstate()
        random.setstate(self._luck)
        try:
            yield
        finally:
            self._luck = random.getstate()
            random.setstate(outside)
