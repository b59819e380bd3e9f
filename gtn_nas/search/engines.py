"""Where a search's candidates come from: Optuna's samplers, or NNI's algorithms."""

from __future__ import annotations

from optuna.samplers import BaseSampler
from optuna.study import Study

from gtn_nas.errors import UserError
from gtn_nas.search.exhaustive import Exhaustive
from gtn_nas.search.samplers import make_sampler
from gtn_nas.space import SearchSpace

__all__ = ["ENGINES", "is_exhausted", "make_proposer", "meets_each_once"]

ENGINES = ("optuna", "nni")


def make_proposer(engine: str, name: str, seed: int, space: SearchSpace, objectives: int = 1) -> BaseSampler:
    """Return the sampler called ``name`` of an engine.

    Raises:
        UserError: there is no such engine or sampler, it cannot serve this search, or a package is missing.
    """
    if engine not in ENGINES:
        raise UserError(f"unknown engine {engine!r}; use one of {', '.join(ENGINES)}.")
    if engine == "nni":
        from gtn_nas.search.nni import make_nni_sampler  # of no use to other searches

        return make_nni_sampler(name, seed, space, objectives)
    return make_sampler(name, seed, space, objectives)


def is_exhausted(study: Study) -> bool:
    """Whether the study's sampler has nothing left to propose; most never run out."""
    asks = getattr(study.sampler, "is_exhausted", None)
    return asks is not None and bool(asks(study))


def meets_each_once(study: Study) -> bool:
    """Whether the study is to hold no architecture twice."""
    return isinstance(study.sampler, Exhaustive)
