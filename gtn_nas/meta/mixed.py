"""The ``mixed`` engine: the exact meta-gradient without the T-step graph.

With state s = (θ, optimiser state), the inner loop is s ← U(s, g, η), g = ∇_θ L(θ, x). Walking back with the
adjoint λ of s, the vector-Jacobian product of U gives the adjoint λ_g of the gradient, and pulling λ_g back through
the graph of that one gradient gives the step's two second-order products, H·λ_g and (∂²L/∂θ∂x)ᵀ·λ_g.

Where memory allows, a step's graph is kept from the forward sweep; where it does not, the step is computed again
from its parameters (Such et al., 2019, checkpoint in the same way), which costs a forward pass and the part of the
backward pass that does not end in parameters. Memory then holds T states and one step.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gtn_nas.meta.exam import Exam, MetaGradient
from gtn_nas.meta.inner import InnerOptimiser, State
from gtn_nas.meta.learner import Learner
from gtn_nas.meta.steps import Step, pull_back, take_step
from gtn_nas.meta.sweep import Sweep, take_exam
from gtn_nas.meta.trajectory import Trajectory, is_finite
from gtn_nas.nets.stateless import Statistics
from gtn_nas.teacher.lesson import Lesson

__all__ = ["MEMORY_BUDGET", "mixed"]

MEMORY_BUDGET = 1 << 30  # bytes of step graphs that may be kept


def mixed(
    learner: Learner,
    theta: Tensor,
    lesson: Lesson,
    rule: InnerOptimiser,
    exam: Exam,
    start: int = 0,
    into: Tensor | None = None,
    memory_budget: int = MEMORY_BUDGET,
) -> MetaGradient:
    """Return the exact meta-gradient.

    Args:
        learner, theta: the network and its initial parameters ``[P]``.
        lesson, rule, exam: what it is taught, how it learns, what it is examined on.
        start: the first inner step that gradients flow through; what comes before is a given starting point.
        into: a tensor like the lesson's images that their gradient is added to; None makes one.
        memory_budget: bytes of step graphs to keep; 0 computes every step again (least memory).
    """
    exam.check(start, lesson.steps)
    lesson, rule = lesson.detach(), rule.for_shapes(learner.shapes)
    sweep = _forward(learner, theta.detach(), lesson, rule, exam, start, memory_budget)
    return _backward(learner, lesson, exam, sweep, torch.zeros_like(lesson.images) if into is None else into)


def _forward(
    learner: Learner, theta: Tensor, lesson: Lesson, rule: InnerOptimiser, exam: Exam, start: int, budget: int
) -> Sweep:
    sweep = Sweep(start, Trajectory(rule, theta, start, lesson.steps))
    running: Statistics = ()
    last_kept = 1  # bytes: what does not fit once is not tried again
    for number in range(lesson.steps):
        keep = start <= number and budget >= last_kept
        before = sweep.trajectory.theta(number)
        step, gradient = take_step(learner, exam.protocol, lesson, number, before, running, keep=keep)
        if keep:
            budget, last_kept = budget - step.kept_bytes, step.kept_bytes
        after = sweep.trajectory.advance(number, gradient, lesson.hyper_at(number))
        if after is None:
            break
        running = step.running_after
        taken = None
        if number in exam.weights:
            taken = take_exam(learner, after, running, lesson, exam, number)
            if taken is None:
                break
        sweep.add(number, step, taken, exam.weights.get(number, 0.0))
    else:
        return sweep
    sweep.diverged_at = number
    _examine_last_sound(learner, lesson, exam, sweep, step)
    return sweep


def _examine_last_sound(learner: Learner, lesson: Lesson, exam: Exam, sweep: Sweep, failed: Step) -> None:
    """Let a diverged learner's last parameters whose exam is finite answer for every exam that it missed."""
    while (taken := take_exam(learner, failed.theta, failed.running, lesson, exam, sweep.last)) is None:
        if not sweep.steps:
            return  # not even the untaught network can be examined: the loss will be NaN
        failed = sweep.drop_last()
    sweep.note(sweep.last, taken, sum(exam.weights.values()) - sweep.weight)


def _backward(learner: Learner, lesson: Lesson, exam: Exam, sweep: Sweep, d_images: Tensor) -> MetaGradient:
    d_targets = torch.zeros_like(lesson.targets) if lesson.targets.is_floating_point() else None
    d_hyper = {name: torch.zeros_like(values) for name, values in lesson.hyper.items()}
    loss, accuracy = (0.0, 0.0) if sweep.exams else (math.nan, 0.0)
    for number, marks in sweep.exams.items():
        for taken, weight in marks:
            loss, accuracy = loss + weight * taken.loss, taken.accuracy
            if taken.of_images is not None:
                window = d_images[exam.protocol.window(number)]
                window.add_(taken.of_images.view_as(window), alpha=weight)
    of_theta: Tensor | None = None
    of_state: State = ()
    of_running: tuple[Tensor, ...] = ()
    while sweep.steps:
        number = sweep.last
        for taken, weight in sweep.exams.get(number, ()):
            of_theta = weight * taken.of_theta if of_theta is None else of_theta.add(taken.of_theta, alpha=weight)
            marked = tuple(weight * part for part in taken.of_running)
            of_running = tuple(map(torch.add, of_running, marked)) if of_running else marked
        step = sweep.drop_last()  # frees each step's graph as soon as it has served
        if of_theta is None:
            continue  # no exam follows this step
        found = sweep.trajectory.adjoint(number, lesson.hyper_at(number), of_theta, of_state)
        if not all(is_finite(part) for part in (found.gradient, *found.hyper.values())):
            sweep.diverged_at = number  # the way back overflows here: what lies before gets no gradient
            break
        for name, value in found.hyper.items():
            d_hyper[name][number] = value
        products, of_running = pull_back(learner, exam.protocol, lesson, number, step, found.gradient, of_running)
        if not all(is_finite(part) for part in products):
            sweep.diverged_at = number
            break
        of_theta, of_state = found.theta + products[0], found.state
        d_images[number] += products[1]
        if d_targets is not None:
            d_targets[number] = products[2]
        if number in exam.cuts:
            of_theta, of_state, of_running = None, (), ()
    return MetaGradient(loss, accuracy, d_images, d_hyper, d_targets, sweep.diverged_at)
