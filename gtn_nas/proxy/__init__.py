"""Proxies: cheap scores for architectures."""

from gtn_nas.proxy.base import SCORE_SEEDS, Proxy, Score, See
from gtn_nas.proxy.by_name import PROXIES, SIZED, TAUGHT, make_proxies, make_score
from gtn_nas.proxy.counts import Flops, Params, Random
from gtn_nas.proxy.gtn import Gtn, GtnArea, GtnEnsemble
from gtn_nas.proxy.rank_sum import RankSum
from gtn_nas.proxy.real_lesson import RealSteps, RealSubset
from gtn_nas.proxy.real_training import EarlyStop, RealSeconds
from gtn_nas.proxy.terms import proxies_in, terms_of
from gtn_nas.proxy.zero_cost import ZERO_COST, ZeroCost

__all__ = [
    "PROXIES",
    "SCORE_SEEDS",
    "SIZED",
    "TAUGHT",
    "ZERO_COST",
    "EarlyStop",
    "Flops",
    "Gtn",
    "GtnArea",
    "GtnEnsemble",
    "Params",
    "Proxy",
    "Random",
    "RankSum",
    "RealSeconds",
    "RealSteps",
    "RealSubset",
    "Score",
    "See",
    "ZeroCost",
    "make_proxies",
    "make_score",
    "proxies_in",
    "terms_of",
]
