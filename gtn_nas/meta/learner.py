"""A network as a pure function of one flat parameter vector."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from gtn_nas.errors import UserError
from gtn_nas.nets.stateless import Statistics, make_stateless

__all__ = ["Learner"]


class Learner:
    """A freshly built network, made ready for differentiation through its training.

    The network is taken over: its normalisation layers are replaced
    (:func:`gtn_nas.nets.stateless.make_stateless`) and its own parameters serve as the initial vector.

    Raises:
        UserError: the network has no trainable parameter.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self._switch = make_stateless(network)
        trainable = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
        if not trainable:
            raise UserError("a learner must have trainable parameters, but this network has none.")
        self._names = [name for name, _ in trainable]
        self._shapes = [p.shape for _, p in trainable]
        self._sizes = [p.numel() for _, p in trainable]
        self.initial = torch.cat([p.detach().reshape(-1) for _, p in trainable])
        network.train()

    @property
    def has_statistics(self) -> bool:
        """Whether evaluation depends on batch-norm statistics."""
        return self._switch is not None

    def split(self, theta: Tensor) -> dict[str, Tensor]:
        """Return views of the flat ``theta`` ``[P]`` under the parameters' names."""
        parts = zip(self._names, theta.split(self._sizes), self._shapes, strict=True)
        return {name: part.view(shape) for name, part, shape in parts}

    def logits(self, theta: Tensor, images: Tensor) -> Tensor:
        """Training pass: images ``[B, C, H, W]`` → logits ``[B, K]``, batch norm by the batch's statistics."""
        out: Tensor = functional_call(self.network, self.split(theta), (images,))
        return out

    def loss(self, theta: Tensor, images: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy of the training pass; targets are classes ``[B]`` or probabilities ``[B, K]``."""
        return F.cross_entropy(self.logits(theta, images), targets)

    def statistics(self, theta: Tensor, images: Tensor) -> Statistics:
        """Return every batch-norm layer's mean and variance over ``images``, differentiable in both arguments."""
        if self._switch is None:
            return ()
        with self._switch.recording() as recorded:
            self.logits(theta, images)
        return tuple(recorded)

    def predict(self, theta: Tensor, images: Tensor, statistics: Statistics) -> Tensor:
        """Evaluation pass: logits ``[B, K]`` with batch norm by ``statistics``, dropout off."""
        with self._evaluating(statistics):
            return self.logits(theta, images)

    @contextmanager
    def _evaluating(self, statistics: Statistics) -> Iterator[None]:
        self.network.eval()
        try:
            if self._switch is None:
                yield
            else:
                with self._switch.using(statistics):
                    yield
        finally:
            self.network.train()
