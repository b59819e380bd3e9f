"""The ways to a meta-gradient that are measured beside one another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gtn_nas.bench.cases import MetaStep
from gtn_nas.errors import UserError
from gtn_nas.meta.exam import MetaGradient, sit
from gtn_nas.meta.higher_engine import higher_engine
from gtn_nas.meta.mixed import mixed
from gtn_nas.meta.teach import teach
from gtn_nas.meta.unrolled import unrolled

__all__ = ["METHODS", "Method"]


@dataclass(frozen=True)
class Method:
    """``run`` takes one meta-step and returns the meta-loss; ``native`` keeps PyTorch's own layers."""

    title: str
    native: bool
    run: Callable[[MetaStep], float]


def _first_order(step: MetaStep) -> float:
    """Train and examine, without any meta-gradient: what nothing can undercut."""
    taught = teach(step.learner, step.learner.initial, step.lesson, step.rule, step.exam.protocol)
    with torch.no_grad():
        return float(sit(step.learner, taught.theta, step.exam, step.lesson.images, step.lesson.steps - 1, ())[0])


def _torchopt(step: MetaStep) -> float:
    """TorchOpt's differentiable optimiser; its momenta are constants, so that only the rate has a gradient."""
    try:
        import torchopt
    except ImportError as error:
        raise UserError("method 'torchopt' needs TorchOpt; install it by pip install torchopt.") from error
    learner, lesson = step.learner, step.lesson
    images = lesson.images.detach().requires_grad_()
    rates = lesson.hyper["lr"].detach().requires_grad_()
    network = learner.network
    state = torchopt.extract_state_dict(network, by="reference")

    def rate(count: Any) -> Tensor:
        return rates[count]

    optimiser: Any
    if step.rule.name == "adam":
        optimiser = torchopt.MetaAdam(network, rate, betas=(0.9, 0.95), eps_root=1e-10)
    else:
        optimiser = torchopt.MetaSGD(network, rate, momentum=float(lesson.hyper["momentum"][0]))
    for number in range(lesson.steps):
        optimiser.step(torch.nn.functional.cross_entropy(network(images[number]), lesson.targets[number]))
    now = learner.join([part for part in network.parameters() if part.requires_grad])
    loss, _ = sit(learner, now, step.exam, images, lesson.steps - 1, ())
    step.into.add_(torch.autograd.grad(loss, [images, rates])[0])
    torchopt.recover_state_dict(network, state)
    return float(loss.detach())


def _engine(step: MetaStep, engine: Callable[..., MetaGradient], **options: int) -> float:
    found = engine(step.learner, step.learner.initial, step.lesson, step.rule, step.exam, into=step.into, **options)
    return found.loss


METHODS: dict[str, Method] = {
    "first_order": Method("inner loop alone", True, _first_order),
    "unrolled": Method("plain unroll", True, lambda step: _engine(step, unrolled)),
    "higher": Method("higher", True, lambda step: _engine(step, higher_engine)),
    "torchopt": Method("TorchOpt", True, _torchopt),
    "mixed": Method("mixed, keeping nothing", False, lambda step: _engine(step, mixed, memory_budget=0)),
    "mixed_kept": Method("mixed, keeping graphs", False, lambda step: _engine(step, mixed, memory_budget=8 << 30)),
}
