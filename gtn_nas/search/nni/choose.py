"""The samplers of ``--engine nni``, and which searches they can serve."""

from __future__ import annotations

from optuna.samplers import BaseSampler

from gtn_nas.errors import UserError
from gtn_nas.extras import need_extra
from gtn_nas.search.nni.sampler import NniSampler
from gtn_nas.search.nni.strategies import STRATEGIES, StrategyProposer
from gtn_nas.search.nni.tuners import TUNERS, TunerProposer
from gtn_nas.space import SearchSpace
from gtn_nas.space.nni_models import ModelSpace

__all__ = ["NNI_SAMPLERS", "make_nni_sampler"]

NNI_SAMPLERS = tuple(TUNERS)


def make_nni_sampler(name: str, seed: int, space: SearchSpace, objectives: int = 1) -> BaseSampler:
    """Return NNI's algorithm called ``name`` as a sampler.

    Raises:
        UserError: there is none of that name, it cannot serve this search, or a package is missing.
    """
    need_extra("nni", "nni", "--engine nni")
    if name not in NNI_SAMPLERS:
        raise UserError(f"unknown sampler {name!r} of --engine nni; use one of {', '.join(NNI_SAMPLERS)}.")
    if objectives > 1:
        raise UserError(f"--engine nni serves one objective, not {objectives}; use --engine optuna.")
    if isinstance(space, ModelSpace):
        return NniSampler(space, _strategy(name, seed, space))
    if name == "anneal":
        need_extra("hyperopt", "nni", "sampler 'anneal'")
    return NniSampler(space, TunerProposer(space, name, seed))


def _strategy(name: str, seed: int, space: ModelSpace) -> StrategyProposer:
    if name not in STRATEGIES:
        raise UserError(f"sampler {name!r} does not serve NNI's model spaces; use one of {', '.join(STRATEGIES)}.")
    if name == "tpe" and space.choices.constrained:
        raise UserError(f"sampler 'tpe' knows nothing of the constraints of space {space.name!r}; use evolution.")
    return StrategyProposer(space, name, seed)
