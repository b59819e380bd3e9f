"""One inner step: its gradient, and how adjoints are pulled back through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gtn_nas.meta.exam import follow, training_loss
from gtn_nas.meta.learner import Learner
from gtn_nas.nets.buffers import Snapshot
from gtn_nas.nets.stateless import Recording, Statistics
from gtn_nas.seeding import RandomState, replaying
from gtn_nas.teacher.lesson import Lesson
from gtn_nas.teacher.protocol import Protocol

__all__ = ["Step", "pull_back", "take_step"]


@dataclass(frozen=True)
class Step:
    """One inner step: what computes its gradient again, or the gradient's graph if it was kept."""

    theta: Tensor
    running: Statistics  # averages of batch-norm statistics before the step, if the protocol follows them
    running_after: Statistics
    shares: Sequence[float]
    randomness: RandomState | None = None  # what dropout drew from, for the replay
    buffers: Snapshot = ()  # what the network's own buffers held, if the pass changed them
    inputs: Sequence[Tensor] = ()  # θ, images and soft targets as leaves of the kept graph
    outputs: Sequence[Tensor] = ()  # the gradient and the pass's statistics as its roots
    kept_bytes: int = 0


def take_step(
    learner: Learner,
    protocol: Protocol,
    lesson: Lesson,
    number: int,
    theta: Tensor,
    running: Statistics,
    *,
    keep: bool,
) -> tuple[Step, Tensor]:
    """Return inner step ``number`` and its gradient, keeping its graph or what computes it again."""
    if keep:
        with CountedGraph(theta, lesson.images, lesson.targets) as counted:
            inputs, outputs, recording = _derive(learner, protocol, lesson, number, theta, values=True)
        kept: dict[str, Any] = {"inputs": inputs, "outputs": outputs, "kept_bytes": counted.bytes}
        gradient = outputs[0].detach()
    else:
        before, held, versions = RandomState.capture(theta.device), learner.buffers.copy(), learner.buffers.versions()
        images, targets = lesson.images[number].detach(), lesson.targets[number].detach()
        _, gradient, recording = learner.slope(theta, images, targets, observed=protocol.follows_training)
        kept = {} if before.is_current() else {"randomness": before}
        kept |= {} if learner.buffers.versions() == versions else {"buffers": held}
    with torch.no_grad():
        after = tuple(part.detach() for part in follow(running, recording))
    start = running or tuple(recording.initial)
    return Step(theta, start, after, recording.shares, **kept), gradient


def pull_back(
    learner: Learner,
    protocol: Protocol,
    lesson: Lesson,
    number: int,
    step: Step,
    of_gradient: Tensor,
    of_running: tuple[Tensor, ...],
) -> tuple[Sequence[Tensor], tuple[Tensor, ...]]:
    """Return what a step adds to the adjoints of θ, images and soft targets, and the adjoint of earlier averages."""
    inputs, outputs = step.inputs, step.outputs
    if not outputs:
        with replaying(step.randomness), learner.buffers.holding(step.buffers):
            inputs, outputs, _ = _derive(learner, protocol, lesson, number, step.theta, values=False)
    adjoints = [of_gradient]
    if of_running:
        adjoints += [share * part for share, part in zip(step.shares, of_running, strict=True)]
    # Statistics of a part that no parameter reaches, as behind an operator that is none, have no graph.
    linked = [pair for pair in zip(outputs, adjoints, strict=False) if pair[0].requires_grad]
    roots, adjoints_of_roots = zip(*linked, strict=True)
    found = torch.autograd.grad(roots, inputs, adjoints_of_roots, materialize_grads=True)
    earlier = tuple((1 - share) * part for share, part in zip(step.shares, of_running, strict=False))
    return found, earlier


def _derive(
    learner: Learner, protocol: Protocol, lesson: Lesson, number: int, theta: Tensor, *, values: bool
) -> tuple[list[Tensor], list[Tensor], Recording]:
    """Return θ, images and soft targets as leaves, and gradient and statistics as functions of them."""
    images, targets = lesson.images[number].detach().requires_grad_(), lesson.targets[number]
    inputs = [theta.detach().requires_grad_(), images]
    if targets.is_floating_point():
        targets = targets.detach().requires_grad_()
        inputs.append(targets)
    with torch.enable_grad():
        loss, recording = training_loss(learner, protocol, inputs[0], images, targets)
        with learner.demanding(images=False, values=values):
            (gradient,) = torch.autograd.grad(loss, inputs[0], create_graph=True)
    return inputs, [gradient, *recording.statistics], recording


class CountedGraph(torch.autograd.graph.saved_tensors_hooks):
    """Sums the bytes that autograd saves while it is active, every storage once, ``known`` ones not at all."""

    def __init__(self, *known: Tensor) -> None:
        self._known = {tensor.untyped_storage().data_ptr() for tensor in known}
        self._sizes: dict[int, int] = {}
        super().__init__(self._pack, lambda saved: saved)

    def __enter__(self) -> CountedGraph:  # type: ignore[override] # the base class returns nothing
        super().__enter__()
        return self

    def _pack(self, saved: Tensor) -> Tensor:
        storage = saved.untyped_storage()
        if storage.data_ptr() not in self._known:
            self._sizes[storage.data_ptr()] = storage.nbytes()
        return saved.detach()  # the tensor itself would hold its own graph alive

    @property
    def bytes(self) -> int:
        """Bytes of all storages that were saved."""
        return sum(self._sizes.values())
