"""A network as a pure function of one flat parameter vector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from gtn_nas.errors import UserError
from gtn_nas.nets.buffers import Buffers
from gtn_nas.nets.prepare import prepare
from gtn_nas.nets.stateless import Recording, Statistics

__all__ = ["Learner"]


class Learner:
    """A freshly built network, made ready for differentiation through its training.

    The network is taken over: its layers are replaced (:func:`gtn_nas.nets.prepare.prepare`) and its own
    parameters serve as the initial vector. Parameters of four axes lie in the vector channels last, so that
    convolutions find their weights in the layout they compute in.

    Args:
        network: what is to learn.
        native: keep PyTorch's own convolution, pooling and normalisation kernels, as a reference.

    Raises:
        UserError: the network has no trainable parameter.
    """

    def __init__(self, network: nn.Module, *, native: bool = False) -> None:
        self.network = network
        controls = prepare(network, native=native)
        self._switch, self._demand = controls.switch, controls.demand
        self.buffers = Buffers(network)
        trainable = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
        if not trainable:
            raise UserError("a learner must have trainable parameters, but this network has none.")
        self._parameters = [p for _, p in trainable]
        holders = [(module, name, p) for module in network.modules() for name, p in module._parameters.items()]
        self._places = [[(module, name) for module, name, p in holders if p is mine] for mine in self._parameters]
        self._names = [name for name, _ in trainable]
        self._shapes = [p.shape for _, p in trainable]
        self._sizes = [p.numel() for _, p in trainable]
        self._flat: Tensor | None = None
        self._views: list[Tensor] = []
        self.initial = self.join([p.detach() for _, p in trainable])
        network.train()

    @property
    def shapes(self) -> list[torch.Size]:
        """Shapes of the parameters, in the order of the flat vector."""
        return self._shapes

    @property
    def has_statistics(self) -> bool:
        """Whether evaluation depends on batch-norm statistics."""
        return self._switch is not None

    def join(self, parts: Iterable[Tensor]) -> Tensor:
        """Return the flat vector ``[P]`` of tensors shaped like the parameters."""
        return torch.cat([(p.permute(0, 2, 3, 1) if p.ndim == 4 else p).reshape(-1) for p in parts])

    def split(self, theta: Tensor) -> dict[str, Tensor]:
        """Return views of the flat ``theta`` ``[P]`` under the parameters' names."""
        parts = theta.split(self._sizes)
        return {name: _view(part, shape) for name, part, shape in zip(self._names, parts, self._shapes, strict=True)}

    def logits(self, theta: Tensor, images: Tensor) -> Tensor:
        """Training pass: images ``[B, C, H, W]`` → logits ``[B, K]``, batch norm by the batch's statistics."""
        twice = torch.is_grad_enabled() and self._demand.graph  # of fused attention there are first derivatives alone
        with self._having(self.split(theta).values()), sdpa_kernel(SDPBackend.MATH) if twice else nullcontext():
            out: Tensor = self.network(images)
        return out

    def loss(self, theta: Tensor, images: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy of the training pass; targets are classes ``[B]`` or probabilities ``[B, K]``."""
        return F.cross_entropy(self.logits(theta, images), targets)

    def observed_loss(self, theta: Tensor, images: Tensor, targets: Tensor) -> tuple[Tensor, Recording]:
        """Return :meth:`loss` with the batch-norm statistics of its pass, differentiable in both arguments."""
        if self._switch is None:
            return self.loss(theta, images, targets), Recording()
        with self._switch.record() as recording:
            return self.loss(theta, images, targets), recording

    def statistics(self, theta: Tensor, images: Tensor) -> Statistics:
        """Return every batch-norm layer's statistics over ``images``, differentiable in both arguments."""
        if self._switch is None:
            return ()
        with self._evaluating(), self._switch.record() as recording:
            self.logits(theta, images)
        return tuple(recording.statistics)

    def predict(self, theta: Tensor, images: Tensor, statistics: Statistics | None) -> Tensor:
        """Evaluation pass, dropout off: logits ``[B, K]``, batch norm by ``statistics`` (None: by the batch's own)."""
        with self._evaluating():
            if self._switch is None or statistics is None:
                return self.logits(theta, images)
            with self._switch.use(statistics):
                return self.logits(theta, images)

    def slope(
        self, theta: Tensor, images: Tensor, targets: Tensor, *, observed: bool
    ) -> tuple[Tensor, Tensor, Recording]:
        """Return :meth:`loss` and its gradient ``[P]`` without graphs, with the statistics of the pass if ``observed``.

        The quick way to a plain gradient: no layer keeps what only a second derivative would need.
        """
        leaves = self._leaves(theta)
        watched = self._switch.record() if observed and self._switch is not None else nullcontext(Recording())
        self._demand.graph = False
        try:
            with self._having(leaves), watched as recording, torch.enable_grad():
                loss = F.cross_entropy(self.network(images), targets)
                parts = torch.autograd.grad(loss, leaves, materialize_grads=True)
        finally:
            self._demand.graph = True
        return loss.detach(), self.join(parts), recording

    def _leaves(self, theta: Tensor) -> list[Tensor]:
        """Return leaves with the values of ``theta``, always the same ones: forty views take a while to make."""
        if self._flat is None or (self._flat.dtype, self._flat.device) != (theta.dtype, theta.device):
            self._flat = torch.empty_like(theta)
            self._views = [part.detach().requires_grad_() for part in self.split(self._flat).values()]
        with torch.no_grad():
            self._flat.copy_(theta)
        return self._views

    @contextmanager
    def _having(self, tensors: Iterable[Tensor]) -> Iterator[None]:
        """Let ``tensors`` stand in for the network's trainable parameters.

        Unlike :func:`torch.func.functional_call`, it gives a layer that stands in two places its own ones back.
        """
        for places, tensor in zip(self._places, tensors, strict=True):
            for module, name in places:
                module._parameters[name] = tensor  # type: ignore[assignment] # any tensor serves
        try:
            yield
        finally:
            for places, parameter in zip(self._places, self._parameters, strict=True):
                for module, name in places:
                    module._parameters[name] = parameter

    @contextmanager
    def demanding(self, *, images: bool, values: bool) -> Iterator[None]:
        """Say what gradients taken with their graph are wanted for (:class:`gtn_nas.nets.demand.Demand`)."""
        self._demand.images, self._demand.values = images, values
        try:
            yield
        finally:
            self._demand.images = self._demand.values = True

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        self.network.eval()
        graph, self._demand.graph = self._demand.graph, self._demand.graph and torch.is_grad_enabled()
        try:
            yield
        finally:
            self._demand.graph = graph
            self.network.train()


def _view(part: Tensor, shape: Sequence[int]) -> Tensor:
    if len(shape) != 4:
        return part.view(torch.Size(shape))
    filters, channels, height, width = shape
    return part.view(filters, height, width, channels).permute(0, 3, 1, 2)
