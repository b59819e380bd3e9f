"""Zero-cost proxies: what an untrained network's gradients and activations on one real batch say."""

from gtn_nas.proxy.zero_cost.activations import Nwot
from gtn_nas.proxy.zero_cost.base import ZeroCost
from gtn_nas.proxy.zero_cost.jacobian import Jacov
from gtn_nas.proxy.zero_cost.saliency import Fisher, GradNorm, Grasp, Snip
from gtn_nas.proxy.zero_cost.synflow import Synflow
from gtn_nas.proxy.zero_cost.zico import Zico

__all__ = ["ZERO_COST", "Fisher", "GradNorm", "Grasp", "Jacov", "Nwot", "Snip", "Synflow", "ZeroCost", "Zico"]

ZERO_COST: dict[str, type[ZeroCost]] = {
    kind.name: kind for kind in (Synflow, Nwot, Jacov, Snip, Grasp, GradNorm, Fisher, Zico)
}
