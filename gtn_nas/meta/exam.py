"""How a taught learner is examined on real images, and what a meta-gradient consists of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from gtn_nas.meta.learner import Learner
from gtn_nas.nets.stateless import Recording, Statistics
from gtn_nas.teacher.protocol import Protocol

__all__ = ["Exam", "MetaGradient", "examine", "find_statistics", "follow", "sit", "training_loss"]


@dataclass(frozen=True)
class Exam:
    """Real images on which the meta-loss is taken, after which inner steps, and whose batch-norm statistics count.

    Args:
        images, labels: real ``[N, C, H, W]``, ``[N]``.
        weights: inner step (0-based; the exam follows that step's update) → weight of its loss.
        protocol: whose statistics.
        cuts: inner steps that start from a given point: no gradient flows past them to earlier ones.
    """

    images: Tensor
    labels: Tensor
    weights: Mapping[int, float]
    protocol: Protocol = field(default_factory=Protocol)
    cuts: frozenset[int] = frozenset()

    def check(self, start: int, steps: int) -> None:
        """Refuse an exam that does not follow a step that gradients flow through.

        Raises:
            ValueError: there is none, or one lies outside of ``start`` to ``steps``.
        """
        outside = [step for step in self.weights if not start <= step < steps]
        if outside or not self.weights or not len(self.images):
            raise ValueError(
                f"exams must follow inner steps {start} to {steps - 1} and hold images, but they follow "
                f"{sorted(self.weights)} with {len(self.images)} images; give weights for steps in that range."
            )


@dataclass(frozen=True)
class MetaGradient:
    """Meta-loss, its gradient for every tensor of the lesson, and how the learner fared.

    ``images`` is the tensor that the gradient was added to; ``loss`` is NaN when not even the untaught learner could
    be examined. ``diverged_at`` is the first inner step that was not sound (None: all were); the unroll is cut
    there, and the exams that would have followed are taken on the last sound parameters.
    """

    loss: float
    accuracy: float
    images: Tensor
    hyper: dict[str, Tensor] = field(default_factory=dict)
    targets: Tensor | None = None
    diverged_at: int | None = None

    def padded(self, steps: int) -> MetaGradient:
        """Return the same for a lesson of ``steps`` inner steps, of which the learner saw the first; images stay."""
        hyper = {name: _padded(values, steps) for name, values in self.hyper.items()}
        targets = None if self.targets is None else _padded(self.targets, steps)
        return replace(self, hyper=hyper, targets=targets)


def find_statistics(
    learner: Learner, theta: Tensor, protocol: Protocol, seen: Tensor | None, running: Sequence[Tensor]
) -> Statistics | None:
    """Return the batch-norm statistics that count, by the protocol (None: the examined images' own)."""
    if protocol.follows_training:
        return tuple(running)
    return None if seen is None else learner.statistics(theta, seen)


def examine(
    learner: Learner, theta: Tensor, images: Tensor, labels: Tensor, statistics: Statistics | None
) -> tuple[Tensor, Tensor]:
    """Return mean cross-entropy and accuracy (scalars) of ``theta`` on real images."""
    logits = learner.predict(theta, images, statistics)
    correct = (logits.detach().argmax(1) == labels).to(logits.dtype)
    return F.cross_entropy(logits, labels), torch.mean(correct)


def sit(
    learner: Learner, theta: Tensor, exam: Exam, lesson_images: Tensor, step: int, running: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    """Return loss and accuracy of the whole exam after ``step``, as one graph."""
    seen = exam.protocol.seen(lesson_images, step)
    statistics = find_statistics(learner, theta, exam.protocol, seen, running)
    return examine(learner, theta, exam.images, exam.labels, statistics)


def training_loss(
    learner: Learner, protocol: Protocol, theta: Tensor, images: Tensor, targets: Tensor
) -> tuple[Tensor, Recording]:
    """Return a training pass's loss, with its batch-norm statistics if the protocol follows them."""
    if protocol.follows_training:
        return learner.observed_loss(theta, images, targets)
    return learner.loss(theta, images, targets), Recording()


def follow(running: Sequence[Tensor], recording: Recording) -> Statistics:
    """Return the running averages after one more pass; an empty ``running`` is before the first."""
    before = running or recording.initial
    triples = zip(before, recording.statistics, recording.shares, strict=True)
    return tuple((1 - share) * old + share * new for old, new, share in triples)


def _padded(values: Tensor, steps: int) -> Tensor:
    return torch.cat([values, values.new_zeros(steps - len(values), *values.shape[1:])])
