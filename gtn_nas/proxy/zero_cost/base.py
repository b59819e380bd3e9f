"""What zero-cost proxies share: a network as its builder leaves it, and real training images."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn

from gtn_nas.fingerprint import fingerprint
from gtn_nas.proxy.base import SCORE_SEEDS, Proxy
from gtn_nas.seeding import seeded
from gtn_nas.space import Architecture

__all__ = ["ZeroCost"]

_BATCH = 64


class ZeroCost(Proxy):
    """Scores a network at its initialisation, in training mode, on ``batch_size`` real training images.

    Initialisation and images follow the score's seed.
    """

    batch_size = _BATCH

    @property
    def fingerprint(self) -> str:
        """Hash of name, batch size and task."""
        return fingerprint(repr((self.name, self.batch_size, self.task.fingerprint)))

    @abstractmethod
    def of(self, network: nn.Module, images: Tensor, labels: Tensor) -> float:
        """Return the score of ``network``, which may be changed, by images ``[B, C, H, W]`` of classes ``[B]``."""

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        """Build the network, draw the images, score."""
        rng = torch.Generator().manual_seed(SCORE_SEEDS + seed)
        images, labels = self.task.train.sample(min(self.batch_size, len(self.task.train)), rng)
        with seeded(SCORE_SEEDS + seed):
            network = self.space.build(architecture, self.task).to(images.device).train()
            return float(self.of(network, images, labels)), {}
