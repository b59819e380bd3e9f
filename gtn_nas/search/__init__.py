"""Architecture search: one evaluator, one ledger, engines that propose candidates."""

from gtn_nas.search.budget import Budget
from gtn_nas.search.engines import ENGINES, make_proposer
from gtn_nas.search.evaluator import CandidateFailed, Evaluation, evaluate, score_over_seeds
from gtn_nas.search.ledger import best_trials, load_study, open_study, settled_trials, trial_rows, verified_rows
from gtn_nas.search.limits import Limits
from gtn_nas.search.nni import NNI_SAMPLERS
from gtn_nas.search.objectives import OBJECTIVES, Goal
from gtn_nas.search.optuna_engine import search
from gtn_nas.search.pruners import PRUNERS, make_pruner
from gtn_nas.search.race import Race
from gtn_nas.search.rounds import Plan, search_in_rounds
from gtn_nas.search.samplers import SAMPLERS, make_sampler
from gtn_nas.search.storage import open_storage, serve_storage
from gtn_nas.search.verify import verified_by, verify
from gtn_nas.search.worker import Rhythm

__all__ = [
    "ENGINES",
    "NNI_SAMPLERS",
    "OBJECTIVES",
    "PRUNERS",
    "SAMPLERS",
    "Budget",
    "CandidateFailed",
    "Evaluation",
    "Goal",
    "Limits",
    "Plan",
    "Race",
    "Rhythm",
    "best_trials",
    "evaluate",
    "load_study",
    "make_proposer",
    "make_pruner",
    "make_sampler",
    "open_storage",
    "open_study",
    "score_over_seeds",
    "search",
    "search_in_rounds",
    "serve_storage",
    "settled_trials",
    "trial_rows",
    "verified_by",
    "verified_rows",
    "verify",
]
