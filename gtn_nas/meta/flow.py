"""From a lesson's meta-gradient to the teacher's parameters, one learner at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gtn_nas.meta.exam import MetaGradient
from gtn_nas.teacher.lesson import Lesson

__all__ = ["flow_back"]

_TINY = 1e-6  # as in torch.nn.utils.clip_grad_norm_


def flow_back(
    lesson: Lesson, found: MetaGradient, parameters: Sequence[Tensor], largest: float = math.inf
) -> list[Tensor]:
    """Return one learner's meta-gradient for each of the teacher's parameters, its whole norm at most ``largest``.

    Every learner is bounded by itself, not the mean of several: norms of learners differ by orders of magnitude, and
    those of chaotic trainings, the largest, point nowhere (docs/inner.md). What is not finite, as where the
    generator's own backward pass overflows, becomes zeros. The teacher's graph is kept for the next learner.
    """
    pairs = [(lesson.images, found.images), *((lesson.hyper[name], slope) for name, slope in found.hyper.items())]
    if found.targets is not None:
        pairs.append((lesson.targets, found.targets))
    roots, slopes = zip(*[pair for pair in pairs if pair[0].requires_grad], strict=True)
    gradients = torch.autograd.grad(
        roots, list(parameters), slopes, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    norm = float(torch.nn.utils.get_total_norm(gradients))
    if not math.isfinite(norm):
        return [torch.zeros_like(parameter) for parameter in parameters]
    return [gradient * min(1.0, largest / (norm + _TINY)) for gradient in gradients]
