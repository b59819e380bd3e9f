"""NNI's strategies on NNI's sequential engine, our evaluator in the place of training."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

from optuna.distributions import FloatDistribution

from gtn_nas.errors import UserError
from gtn_nas.nni_import import import_nni
from gtn_nas.search.nni.sampler import Proposal
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.space import distributions as ranges

__all__ = ["STRATEGIES", "StrategyProposer"]

_POPULATION, _SAMPLE = 50, 10  # as in regularised evolution without NNI
_RESTING = 3600.0  # seconds after which a silent thread is taken for lost

STRATEGIES: dict[str, Callable[[Any, SearchSpace, int], Any]] = {
    "tpe": lambda nas, space, seed: nas.TPE(optimize_mode="maximize", seed=seed),
    "random": lambda nas, space, seed: nas.Random(seed=seed),
    "grid": lambda nas, space, seed: nas.GridSearch(shuffle=False),
    "evolution": lambda nas, space, seed: nas.RegularizedEvolution(
        population_size=_POPULATION, sample_size=_SAMPLE, mutation_prob=1 / len(space.parameters), seed=seed
    ),
}


class StrategyProposer:
    """A strategy in a thread of its own: what it submits to NNI's engine is proposed, and it waits for the score.

    The two take turns; nothing is ever done at the same time.

    Args:
        space: what is searched.
        name: a key of ``STRATEGIES``.
        seed: of all its draws.
    """

    def __init__(self, space: SearchSpace, name: str, seed: int) -> None:
        self._space = space
        self._strategy = STRATEGIES[name](import_nni("nni.nas.strategy"), space, seed)
        self._submitted: SimpleQueue[Architecture | BaseException | None] = SimpleQueue()
        self._answers: SimpleQueue[float | None] = SimpleQueue()
        self._count = 0
        self._ended = False
        self._thread: Thread | None = None

    def propose(self) -> Proposal | None:
        """Return what the strategy submits next, None when it has ended."""
        if self._thread is None:
            self._thread = Thread(target=self._explore, name="nni-strategy", daemon=True)
            self._thread.start()
        submitted = None if self._ended else self._submitted.get(timeout=_RESTING)
        if isinstance(submitted, BaseException):
            raise submitted
        if submitted is None:
            self._ended = True
            return None
        self._count += 1
        return Proposal(self._count, submitted)

    def tell(self, proposal: Proposal, value: float | None) -> None:
        """Let the strategy go on."""
        self._answers.put(value)

    def learn(self, architecture: Architecture, value: float) -> None:
        """Do nothing: NNI's strategies take over nothing."""

    def _explore(self) -> None:
        try:
            engine = import_nni("nni.nas.execution").SequentialExecutionEngine(continue_on_failure=True)
            self._strategy(_mirror(self._space, self._score), engine)
            self._submitted.put(None)
        except BaseException as error:  # it is raised where the search waits
            self._submitted.put(error)

    def _score(self, sample: dict[str, Any]) -> float:
        self._submitted.put(self._space.validate(sample))
        value = self._answers.get()
        if value is None:
            raise RuntimeError("this candidate has no score")
        return value


def _mirror(space: SearchSpace, score: Callable[[dict[str, Any]], float]) -> Any:
    """Return ``space`` as NNI's own kind of space, whose models are scored by ``score``; no model is built for it."""
    nni, mutable, spaces = import_nni(), import_nni("nni.mutable"), import_nni("nni.nas.space")

    class Evaluator(import_nni("nni.nas.evaluator").Evaluator):  # type: ignore[misc]
        def evaluate(self, model: Any) -> None:
            nni.report_final_result(score(model.sample))

    class Mirror(spaces.RawFormatModelSpace):  # type: ignore[misc, name-defined]
        def executable_model(self) -> Any:
            return self

        def check_contains(self, sample: dict[str, Any]) -> Any:
            fault = super().check_contains(sample)
            if fault is None and not space.allows(sample):
                return import_nni("nni.mutable.exception").SampleValidationError("the space forbids it")
            return fault

    kinds = {name: _mutable(mutable, name, kind) for name, kind in space.parameters.items()}
    return Mirror(mutable.MutableDict(kinds), Evaluator())


def _mutable(mutable: Any, name: str, distribution: Any) -> Any:
    if isinstance(distribution, FloatDistribution) and distribution.step is None:
        return mutable.Numerical(distribution.low, distribution.high, log_distributed=distribution.log, label=name)
    values = ranges.values_of(name, distribution)
    if len(set(values)) < len(values):
        raise UserError(f"NNI cannot tell the choices of {name!r} apart ({values}); name them by words.")
    return mutable.Categorical(values, label=name)
