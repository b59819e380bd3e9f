"""How far a proxy can be trusted: rank statistics against real training."""

from gtn_nas.correlation.columns import RIVALS, proxies_of
from gtn_nas.correlation.compare import compare
from gtn_nas.correlation.make_truth import make_truth, train_one
from gtn_nas.correlation.published import load_truth, read_published
from gtn_nas.correlation.score_book import ScoreBook
from gtn_nas.correlation.scoring import Scored, score_all
from gtn_nas.correlation.stats import (
    Estimate,
    kendall,
    partial_spearman,
    precision_at,
    regret_at,
    spearman,
    spearman_difference,
    top_spearman,
    weighted_tau,
)
from gtn_nas.correlation.truth import Training, TruthTable, ceiling, read_trainings

__all__ = [
    "RIVALS",
    "Estimate",
    "ScoreBook",
    "Scored",
    "Training",
    "TruthTable",
    "ceiling",
    "compare",
    "kendall",
    "load_truth",
    "make_truth",
    "partial_spearman",
    "precision_at",
    "proxies_of",
    "read_published",
    "read_trainings",
    "regret_at",
    "score_all",
    "spearman",
    "spearman_difference",
    "top_spearman",
    "train_one",
    "weighted_tau",
]
