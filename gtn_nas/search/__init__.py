"""Architecture search: one evaluator, one ledger, engines that propose candidates."""

from gtn_nas.search.evaluator import CandidateFailed, Evaluation, evaluate, score_over_seeds
from gtn_nas.search.ledger import best_trials, open_study, settled_trials, trial_rows, verified_rows
from gtn_nas.search.limits import Limits
from gtn_nas.search.objectives import OBJECTIVES, Goal
from gtn_nas.search.optuna_engine import search
from gtn_nas.search.pruners import PRUNERS, make_pruner
from gtn_nas.search.samplers import SAMPLERS, make_sampler
from gtn_nas.search.verify import verify

__all__ = [
    "OBJECTIVES",
    "PRUNERS",
    "SAMPLERS",
    "CandidateFailed",
    "Evaluation",
    "Goal",
    "Limits",
    "best_trials",
    "evaluate",
    "make_pruner",
    "make_sampler",
    "open_study",
    "score_over_seeds",
    "search",
    "settled_trials",
    "trial_rows",
    "verified_rows",
    "verify",
]
