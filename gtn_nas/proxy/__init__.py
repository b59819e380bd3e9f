"""Proxies: cheap scores for architectures."""

from gtn_nas.proxy.base import Proxy, Score
from gtn_nas.proxy.counts import Flops, Params, Random
from gtn_nas.proxy.rivals import rivals
from gtn_nas.proxy.taught import Gtn, RealSteps, RealSubset

__all__ = ["Flops", "Gtn", "Params", "Proxy", "Random", "RealSteps", "RealSubset", "Score", "rivals"]
