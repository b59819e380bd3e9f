"""Architecture search: one evaluator, one ledger, engines that propose candidates."""

from gtn_nas.search.evaluator import CandidateFailed, Evaluation, evaluate, score_over_seeds
from gtn_nas.search.ledger import best_trials, open_study, settled_trials, trial_rows, verified_rows
from gtn_nas.search.optuna_engine import SAMPLERS, make_sampler, search
from gtn_nas.search.verify import verify

__all__ = [
    "SAMPLERS",
    "CandidateFailed",
    "Evaluation",
    "best_trials",
    "evaluate",
    "make_sampler",
    "open_study",
    "score_over_seeds",
    "search",
    "settled_trials",
    "trial_rows",
    "verified_rows",
    "verify",
]
