"""The ``higher`` engine: the reference, by the library the field knows.

`higher <https://github.com/facebookresearch/higher>`_ (Grefenstette et al., 2019) unrolls the inner loop as one
graph; its memory grows with T, and a learner that diverges gives a meta-gradient that is not finite (``mixed`` cuts
its unroll). The engine is here to be compared with, and is all of the package that imports the library.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gtn_nas.meta.exam import Exam, MetaGradient, examine
from gtn_nas.meta.inner import InnerOptimiser
from gtn_nas.meta.learner import Learner
from gtn_nas.teacher.lesson import Lesson

__all__ = ["higher_engine"]


def higher_engine(learner: Learner, theta: Tensor, lesson: Lesson, rule: InnerOptimiser, exam: Exam) -> MetaGradient:
    """Return the meta-gradient of the whole unrolled graph; arguments as for :func:`gtn_nas.meta.mixed.mixed`."""
    import higher

    images = lesson.images.detach().requires_grad_()
    soft = lesson.targets.is_floating_point()
    targets = lesson.targets.detach().requires_grad_(soft)
    hyper = {name: values.detach().requires_grad_() for name, values in lesson.hyper.items()}
    leaves = Lesson(images, targets, hyper)

    patched = higher.patch.monkeypatch(learner.network, copy_initial_weights=True)
    start = theta.detach().requires_grad_()
    patched.update_params(list(learner.split(start).values()))
    optimiser = _flat_optimiser(higher, rule)(
        torch.optim.SGD(learner.network.parameters(), lr=1.0), learner.network.parameters(), fmodel=patched
    )
    meta_loss = torch.zeros((), dtype=theta.dtype, device=theta.device)
    accuracy = meta_loss
    for step in range(lesson.steps):
        loss = torch.nn.functional.cross_entropy(patched(images[step]), targets[step])
        optimiser.step(loss, override={name: [value] for name, value in leaves.hyper_at(step).items()})
        if step in exam.weights:
            now = torch.cat([p.reshape(-1) for p in patched.fast_params])
            seen = exam.statistics_images
            if seen is None:
                seen = images[exam.window(step)].flatten(0, 1)
            exam_loss, accuracy = examine(learner, now, seen, exam.images, exam.labels)
            meta_loss = meta_loss + exam.weights[step] * exam_loss
    inputs = [images, *hyper.values(), *([targets] if soft else [])]
    gradients = torch.autograd.grad(meta_loss, inputs, materialize_grads=True)
    return MetaGradient(
        loss=float(meta_loss.detach()),
        accuracy=float(accuracy),
        images=gradients[0],
        hyper=dict(zip(hyper, gradients[1:], strict=False)),
        targets=gradients[-1] if soft else None,
    )


def _flat_optimiser(higher: Any, rule: InnerOptimiser) -> Any:
    """Return a differentiable optimiser of ``higher`` that applies ``rule`` to all parameters as one vector."""

    class FlatOptimiser(higher.optim.DifferentiableOptimizer):  # type: ignore[misc]
        state_: tuple[Tensor, ...] | None = None

        def _update(self, grouped_grads: list[list[Tensor | None]], **_: Any) -> None:
            group = self.param_groups[0]
            params = group["params"]
            flat = torch.cat([p.reshape(-1) for p in params])
            grads = [torch.zeros_like(p) if g is None else g for p, g in zip(params, grouped_grads[0], strict=True)]
            if self.state_ is None:
                self.state_ = rule.initial_state(flat)
            gradient = torch.cat([g.reshape(-1) for g in grads])
            hyper = {name: group[name] for name in rule.hyperparameters}
            after, self.state_ = rule.update(flat, self.state_, gradient, hyper)
            parts = after.split([p.numel() for p in params])
            group["params"] = [part.view(p.shape) for part, p in zip(parts, params, strict=True)]

    return FlatOptimiser
