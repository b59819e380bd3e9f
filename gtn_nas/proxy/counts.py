"""Proxies that never train: parameter count, FLOPs, and a random number."""

from __future__ import annotations

import numpy as np

from gtn_nas.proxy.base import Proxy
from gtn_nas.space import Architecture

__all__ = ["Flops", "Params", "Random"]


class _WithoutSettings(Proxy):
    @property
    def fingerprint(self) -> str:
        """The name: there are no settings."""
        return self.name


class Params(_WithoutSettings):
    """Number of trainable parameters."""

    name = "params"
    seeded = False

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        """Count; ``seed`` plays no part."""
        return float(self.space.cost(architecture, self.task).params), {}


class Flops(_WithoutSettings):
    """Floating-point operations of one image's forward pass."""

    name = "flops"
    seeded = False

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        """Count; ``seed`` plays no part."""
        return float(self.space.cost(architecture, self.task).flops), {}


class Random(_WithoutSettings):
    """A number that has nothing to do with the architecture but its key: what chance alone gives."""

    name = "random"

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        """Draw uniformly from [0, 1), the same for the same architecture and seed."""
        return float(np.random.default_rng((int(self.space.key(architecture), 16), seed)).random()), {}
