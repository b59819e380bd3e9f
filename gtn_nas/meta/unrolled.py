"""The ``unrolled`` engine: the whole inner loop as one autograd graph, the plain way to the meta-gradient."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gtn_nas.meta.exam import Exam, MetaGradient, follow, sit, training_loss
from gtn_nas.meta.inner import InnerOptimiser
from gtn_nas.meta.learner import Learner
from gtn_nas.meta.trajectory import is_finite
from gtn_nas.teacher.lesson import Lesson

if TYPE_CHECKING:
    from gtn_nas.nets.stateless import Statistics

__all__ = ["as_leaves", "collect", "unrolled"]


def unrolled(
    learner: Learner,
    theta: Tensor,
    lesson: Lesson,
    rule: InnerOptimiser,
    exam: Exam,
    start: int = 0,
    into: Tensor | None = None,
) -> MetaGradient:
    """Return the meta-gradient; memory grows with T. Arguments as for :func:`gtn_nas.meta.mixed.mixed`.

    A learner that diverges gets no gradient at all.
    """
    exam.check(start, lesson.steps)
    leaves, rule = as_leaves(lesson), rule.for_shapes(learner.shapes)
    theta = theta.detach().requires_grad_()
    state = rule.initial_state(theta)
    running: Statistics = ()
    meta_loss = accuracy = torch.zeros((), dtype=theta.dtype, device=theta.device)
    for step in range(lesson.steps):
        if step == start or step in exam.cuts:  # what came before is a given starting point
            theta = theta.detach().requires_grad_()
            state, running = tuple(part.detach() for part in state), tuple(part.detach() for part in running)
        loss, recording = training_loss(learner, exam.protocol, theta, leaves.images[step], leaves.targets[step])
        (gradient,) = torch.autograd.grad(loss, theta, create_graph=step >= start)
        running = follow(running, recording)
        theta, state = rule.update(theta, state, gradient, leaves.hyper_at(step))
        if step in exam.weights:
            exam_loss, accuracy = sit(learner, theta, exam, leaves.images, step, running)
            meta_loss = meta_loss + exam.weights[step] * exam_loss
        if step < start:
            theta = theta.detach().requires_grad_()
    return collect(meta_loss, accuracy, leaves, into)


def as_leaves(lesson: Lesson) -> Lesson:
    """Return the lesson with its images, soft targets and hyperparameters as leaves of a new graph."""
    soft = lesson.targets.is_floating_point()
    hyper = {name: values.detach().requires_grad_() for name, values in lesson.hyper.items()}
    return Lesson(lesson.images.detach().requires_grad_(), lesson.targets.detach().requires_grad_(soft), hyper)


def collect(meta_loss: Tensor, accuracy: Tensor, leaves: Lesson, into: Tensor | None) -> MetaGradient:
    """Differentiate the meta-loss with respect to the lesson's leaves, the images' part being added to ``into``."""
    soft = leaves.targets.requires_grad
    inputs = [leaves.images, *leaves.hyper.values(), *([leaves.targets] if soft else [])]
    gradients = torch.autograd.grad(meta_loss, inputs, materialize_grads=True)
    loss = float(meta_loss.detach())
    sound = math.isfinite(loss) and all(is_finite(gradient) for gradient in gradients)
    if not sound:  # one learner must not spoil what others add up in the same place
        gradients = tuple(torch.zeros_like(gradient) for gradient in gradients)
    return MetaGradient(
        loss=loss,
        accuracy=float(accuracy),
        images=gradients[0] if into is None else into.add_(gradients[0]),
        hyper=dict(zip(leaves.hyper, gradients[1:], strict=False)),
        targets=gradients[-1] if soft else None,
        diverged_at=None if sound else 0,  # where exactly, a whole graph does not say
    )
