"""The ``higher`` engine: the reference, by the library the field knows.

`higher <https://github.com/facebookresearch/higher>`_ (Grefenstette et al., 2019) unrolls the inner loop as one
graph; its memory grows with T, and a learner that diverges gets no gradient at all (``mixed`` cuts its unroll).
The engine is here to be compared with, and is all of the package that imports the library.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gtn_nas.errors import UserError
from gtn_nas.meta.exam import Exam, MetaGradient, sit
from gtn_nas.meta.inner import InnerOptimiser
from gtn_nas.meta.learner import Learner
from gtn_nas.meta.unrolled import as_leaves, collect
from gtn_nas.teacher.lesson import Lesson

__all__ = ["higher_engine"]


def higher_engine(
    learner: Learner,
    theta: Tensor,
    lesson: Lesson,
    rule: InnerOptimiser,
    exam: Exam,
    start: int = 0,
    into: Tensor | None = None,
) -> MetaGradient:
    """Return the meta-gradient of the whole unrolled graph; arguments as for :func:`gtn_nas.meta.mixed.mixed`.

    Raises:
        UserError: the protocol follows statistics through the inner loop, or gradients are to start late.
    """
    import higher

    if start or exam.cuts or exam.protocol.follows_training:
        raise UserError(
            "engine 'higher' takes neither truncated windows nor statistics = running; use engine mixed or unrolled."
        )
    exam.check(start, lesson.steps)
    leaves, rule = as_leaves(lesson), rule.for_shapes(learner.shapes)
    patched = higher.patch.monkeypatch(learner.network, copy_initial_weights=True)
    patched.update_params(list(learner.split(theta.detach().requires_grad_()).values()))
    optimiser = _flat_optimiser(higher, learner, rule)(
        torch.optim.SGD(learner.network.parameters(), lr=1.0), learner.network.parameters(), fmodel=patched
    )
    meta_loss = accuracy = torch.zeros((), dtype=theta.dtype, device=theta.device)
    for step in range(lesson.steps):
        loss = torch.nn.functional.cross_entropy(patched(leaves.images[step]), leaves.targets[step])
        optimiser.step(loss, override={name: [value] for name, value in leaves.hyper_at(step).items()})
        if step in exam.weights:
            now = learner.join(patched.fast_params)
            exam_loss, accuracy = sit(learner, now, exam, leaves.images, step, ())
            meta_loss = meta_loss + exam.weights[step] * exam_loss
    return collect(meta_loss, accuracy, leaves, into)


def _flat_optimiser(higher: Any, learner: Learner, rule: InnerOptimiser) -> Any:
    """Return a differentiable optimiser of ``higher`` that applies ``rule`` to all parameters as one vector."""

    class FlatOptimiser(higher.optim.DifferentiableOptimizer):  # type: ignore[misc]
        state_: tuple[Tensor, ...] | None = None

        def _update(self, grouped_grads: list[list[Tensor | None]], **_: Any) -> None:
            group = self.param_groups[0]
            params = group["params"]
            flat = learner.join(params)
            grads = [torch.zeros_like(p) if g is None else g for p, g in zip(params, grouped_grads[0], strict=True)]
            if self.state_ is None:
                self.state_ = rule.initial_state(flat)
            hyper = {name: group[name] for name in rule.hyperparameters}
            after, self.state_ = rule.update(flat, self.state_, learner.join(grads), hyper)
            group["params"] = list(learner.split(after).values())

    return FlatOptimiser
