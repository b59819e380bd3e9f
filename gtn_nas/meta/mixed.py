"""The ``mixed`` engine: the exact meta-gradient without the T-step graph.

With state s = (θ, optimiser state), the inner loop is s ← U(s, g, η), g = ∇_θ L(θ, x). Walking back with the
adjoint λ of s, the vector-Jacobian product of U gives the adjoint λ_g of the gradient, and the step's two
second-order products are the derivative of ∇L along λ_g:

    H·λ_g = d/dε ∇_θ L(θ + ελ_g, x),      (∂²L/∂θ∂x)ᵀ·λ_g = d/dε ∇_x L(θ + ελ_g, x)    at ε = 0,

because the Hessian is symmetric: one forward-mode derivative of one reverse pass (forward-over-reverse; Kemaev
et al., 2025, "Scalable Meta-Learning via Mixed-Mode Differentiation"). Memory holds T states and one step.

Where memory allows, the graph of a step's gradient is kept from the forward sweep instead, and λ_g is pulled
back through it (reverse-over-reverse): the same two products without computing the step again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.autograd.forward_ad as fwAD
from torch import Tensor

from gtn_nas.meta.exam import Exam, MetaGradient, examine
from gtn_nas.meta.inner import InnerOptimiser, State
from gtn_nas.meta.learner import Learner
from gtn_nas.teacher.lesson import Lesson

__all__ = ["mixed"]

MEMORY_BUDGET = 1 << 30  # bytes of step graphs that may be kept


@dataclass(frozen=True)
class _Step:
    """One inner step: where it started, its gradient, and the gradient's graph if it was kept."""

    theta: Tensor
    state: State
    gradient: Tensor
    inputs: Sequence[Tensor] = ()  # θ, images and soft targets as leaves of the kept graph


@dataclass
class _Sweep:
    """What the forward sweep leaves for the way back."""

    steps: list[_Step] = field(default_factory=list)
    exam_theta: dict[int, Tensor] = field(default_factory=dict)  # adjoint of θ from the exam after a step
    exam_images: Tensor | None = None  # adjoint of the lesson's images through batch-norm statistics
    loss: float = 0.0
    accuracy: float = 0.0
    diverged_at: int | None = None


def mixed(
    learner: Learner,
    theta: Tensor,
    lesson: Lesson,
    rule: InnerOptimiser,
    exam: Exam,
    memory_budget: int = MEMORY_BUDGET,
) -> MetaGradient:
    """Return the exact meta-gradient.

    Args:
        learner, theta: the network and its initial parameters ``[P]``.
        lesson, rule, exam: what it is taught, how it learns, what it is examined on.
        memory_budget: bytes of step graphs to keep; 0 computes every step again (least memory).
    """
    lesson = lesson.detach()
    sweep = _forward(learner, theta.detach(), lesson, rule, exam, memory_budget)
    return _backward(learner, lesson, rule, sweep)


def _forward(
    learner: Learner, theta: Tensor, lesson: Lesson, rule: InnerOptimiser, exam: Exam, memory_budget: int
) -> _Sweep:
    sweep = _Sweep(exam_images=torch.zeros_like(lesson.images) if exam.statistics_images is None else None)
    state = rule.initial_state(theta)
    remaining = dict(exam.weights)
    keep = memory_budget > 0
    for number in range(lesson.steps):
        step, used = _take_step(learner, theta, state, lesson, number, keep)
        memory_budget -= used
        keep = keep and memory_budget >= used
        with torch.no_grad():
            after, state_after = rule.update(theta, state, step.gradient, lesson.hyper_at(number))
        if not math.isfinite(float(after.square().sum())):
            sweep.diverged_at = number
            break
        sweep.steps.append(step)
        theta, state = after, state_after
        if number in remaining:
            if not _take_exam(learner, theta, lesson, exam, number, remaining[number], sweep):
                sweep.diverged_at = number
                break
            del remaining[number]
    if remaining:
        _examine_last_sound(learner, theta, lesson, exam, sum(remaining.values()), sweep)
    return sweep


def _examine_last_sound(
    learner: Learner, theta: Tensor, lesson: Lesson, exam: Exam, weight: float, sweep: _Sweep
) -> None:
    """Let a diverged learner's last parameters whose exam is finite answer for every exam that it missed."""
    while not _take_exam(learner, theta, lesson, exam, len(sweep.steps) - 1, weight, sweep) and sweep.steps:
        theta = sweep.steps.pop().theta
        sweep.exam_theta.pop(len(sweep.steps), None)


def _take_step(
    learner: Learner, theta: Tensor, state: State, lesson: Lesson, number: int, keep: bool
) -> tuple[_Step, int]:
    """Return the step and the bytes that its kept graph holds (0 when none is kept)."""
    images, targets = lesson.images[number], lesson.targets[number]
    with torch.enable_grad():
        leaf = theta.detach().requires_grad_()
        if not keep:
            (gradient,) = torch.autograd.grad(learner.loss(leaf, images, targets), leaf)
            return _Step(theta, state, gradient), 0
        inputs = _leaves(leaf, images, targets)
        counted = _CountedGraph()
        with counted:
            loss = learner.loss(leaf, inputs[1], inputs[-1] if len(inputs) > 2 else targets)
            (gradient,) = torch.autograd.grad(loss, leaf, create_graph=True)
    return _Step(theta, state, gradient, inputs), counted.bytes


def _leaves(leaf: Tensor, images: Tensor, targets: Tensor) -> list[Tensor]:
    soft = [targets.detach().requires_grad_()] if targets.is_floating_point() else []
    return [leaf, images.detach().requires_grad_(), *soft]


class _CountedGraph(torch.autograd.graph.saved_tensors_hooks):
    """Sums the bytes that autograd saves while it is active, every storage once."""

    def __init__(self) -> None:
        self._sizes: dict[int, int] = {}
        super().__init__(self._pack, lambda saved: saved)

    def _pack(self, saved: Tensor) -> Tensor:
        storage = saved.untyped_storage()
        self._sizes[storage.data_ptr()] = storage.nbytes()
        return saved.detach()  # the tensor itself would hold its own graph alive

    @property
    def bytes(self) -> int:
        return sum(self._sizes.values())


def _take_exam(
    learner: Learner, theta: Tensor, lesson: Lesson, exam: Exam, step: int, weight: float, sweep: _Sweep
) -> bool:
    """Note the exam's loss and adjoints; return False, noting nothing, when one of them is not finite."""
    window = exam.window(max(step, 0))
    with torch.enable_grad():
        theta = theta.detach().requires_grad_()
        if exam.statistics_images is None:
            seen = lesson.images[window].flatten(0, 1).requires_grad_(learner.has_statistics)
        else:
            seen = exam.statistics_images
        loss, accuracy = examine(learner, theta, seen, exam.images, exam.labels)
        inputs = (theta, seen) if seen.requires_grad else (theta,)
        adjoints = torch.autograd.grad(loss, inputs)
    if not all(math.isfinite(float(part.detach().abs().sum())) for part in (loss, *adjoints)):
        return False
    sweep.loss += weight * float(loss.detach())
    sweep.accuracy = float(accuracy)
    if step >= 0:
        sweep.exam_theta[step] = sweep.exam_theta.get(step, 0) + weight * adjoints[0]
    if len(adjoints) > 1 and sweep.exam_images is not None:
        sweep.exam_images[window] += weight * adjoints[1].view_as(sweep.exam_images[window])
    return True


def _backward(learner: Learner, lesson: Lesson, rule: InnerOptimiser, sweep: _Sweep) -> MetaGradient:
    d_images = sweep.exam_images if sweep.exam_images is not None else torch.zeros_like(lesson.images)
    d_targets = torch.zeros_like(lesson.targets) if lesson.targets.is_floating_point() else None
    d_hyper = {name: torch.zeros_like(values) for name, values in lesson.hyper.items()}
    adjoint_theta: Tensor | None = None
    adjoint_state: State = ()
    for number in reversed(range(len(sweep.steps))):
        step = sweep.steps.pop()  # frees each step's graph as soon as it has served
        if number in sweep.exam_theta:
            from_exam = sweep.exam_theta[number]
            adjoint_theta = from_exam if adjoint_theta is None else adjoint_theta + from_exam
        if adjoint_theta is None:
            continue  # no exam follows this step
        adjoint_state = adjoint_state or tuple(torch.zeros_like(part) for part in step.state)
        adjoint_theta, adjoint_state, direction, hyper_adjoints = _update_vjp(
            rule, step, lesson.hyper_at(number), adjoint_theta, adjoint_state
        )
        for name, value in hyper_adjoints.items():
            d_hyper[name][number] = value
        products = _second_order(learner, step, direction, lesson.images[number], lesson.targets[number])
        adjoint_theta = adjoint_theta + products[0]
        d_images[number] += products[1]
        if d_targets is not None:
            d_targets[number] = products[2]
    return MetaGradient(sweep.loss, sweep.accuracy, d_images, d_hyper, d_targets, sweep.diverged_at)


def _update_vjp(
    rule: InnerOptimiser, step: _Step, hyper: dict[str, Tensor], adjoint_theta: Tensor, adjoint_state: State
) -> tuple[Tensor, State, Tensor, dict[str, Tensor]]:
    """Vector-Jacobian product of one optimiser update, by autograd over the flat vectors."""
    with torch.enable_grad():
        parts = (step.theta, *step.state, step.gradient, *hyper.values())
        leaves = [part.detach().requires_grad_() for part in parts]
        count = 1 + len(step.state)
        knobs = dict(zip(hyper, leaves[count + 1 :], strict=True))
        after, state_after = rule.update(leaves[0], tuple(leaves[1:count]), leaves[count], knobs)
        adjoints = torch.autograd.grad(
            (after, *state_after), leaves, (adjoint_theta, *adjoint_state), materialize_grads=True
        )
    return adjoints[0], adjoints[1:count], adjoints[count], dict(zip(hyper, adjoints[count + 1 :], strict=True))


def _second_order(
    learner: Learner, step: _Step, direction: Tensor, images: Tensor, targets: Tensor
) -> tuple[Tensor, ...]:
    """Derivative of ∇_(θ, x[, y]) L along ``direction`` in θ."""
    if step.inputs:
        return torch.autograd.grad(step.gradient, step.inputs, direction, materialize_grads=True)
    with torch.enable_grad(), fwAD.dual_level():
        leaf = step.theta.detach().requires_grad_()
        inputs = _leaves(leaf, images, targets)
        loss = learner.loss(fwAD.make_dual(leaf, direction), inputs[1], inputs[-1] if len(inputs) > 2 else targets)
        # Some backward formulas (SiLU, layer norm) have a forward derivative only when a graph is asked for.
        gradients = torch.autograd.grad(loss, inputs, create_graph=True)
        tangents = [fwAD.unpack_dual(gradient).tangent for gradient in gradients]
    return tuple(
        torch.zeros_like(value) if tangent is None else tangent.detach()
        for tangent, value in zip(tangents, inputs, strict=True)
    )
