"""Is a search space fit for a teacher? Learners must do what its networks do, to the second derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gtn_nas.errors import UserError
from gtn_nas.meta.learner import Learner
from gtn_nas.seeding import seeded
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.space.checking import Check, check_space, seeded_network, try_all
from gtn_nas.task import Task

__all__ = ["check_fitness", "require_fit"]

_T = TypeVar("_T")
_BATCH = 16
_ROUNDING = 0.01  # relative; kernels round differently, and a rectifier may turn at another bit


def check_fitness(space: SearchSpace, task: Task, count: int = 8, seed: int = 0, batch: int = _BATCH) -> list[Check]:
    """Try ``count`` architectures as networks (:func:`gtn_nas.space.checking.check_space`), then as learners.

    ``batch``: images that a learner is shown at a time.
    """
    taught = f"they can be taught by batches of {batch}"
    checks = {taught: lambda one: _teach(space, task, one, batch)}
    return [*check_space(space, task, count, seed), *try_all(checks, space.sample_up_to(count, seed))]


def require_fit(space: SearchSpace, task: Task, seed: int = 0, batch: int = _BATCH) -> None:
    """Try one architecture of ``space``.

    Raises:
        UserError: it fails a check.
    """
    with seeded(seed):
        faults = [check for check in check_fitness(space, task, 1, seed, min(batch, _BATCH)) if check.fault]
    if faults:
        raise UserError(
            f"space {space.name} is not fit for use: “{faults[0].what}” does not hold ({faults[0].fault}); repair "
            "it, and try it with gtn-nas spaces."
        )


def _teach(space: SearchSpace, task: Task, one: Architecture, batch: int) -> str:
    images, labels = task.train.images[:batch], task.train.labels[:batch]
    network = seeded_network(space, task, one).train()
    learner = Learner(seeded_network(space, task, one))
    expected = _own_gradient(network, learner, images, labels)
    _, found, _ = _seeded(lambda: learner.slope(learner.initial, images, labels, observed=False))
    if not _close(found, expected):
        return (
            "a learner's gradient is not the network's own: it draws random numbers outside PyTorch, or reaches a "
            "parameter in a way that nobody can see"
        )
    theta, shown = learner.initial.clone().requires_grad_(), images.clone().requires_grad_()
    (slope,) = torch.autograd.grad(learner.loss(theta, shown, labels), theta, create_graph=True)
    seconds = torch.autograd.grad(slope.square().sum(), [theta, shown], materialize_grads=True)
    return "" if all(torch.isfinite(part).all() for part in seconds) else "its second derivatives are not finite"


def _own_gradient(network: nn.Module, learner: Learner, images: Tensor, labels: Tensor) -> Tensor:
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    loss = _seeded(lambda: F.cross_entropy(network(images), labels))
    return learner.join(torch.autograd.grad(loss, parameters, materialize_grads=True))


def _seeded(work: Callable[[], _T]) -> _T:
    with seeded(1):
        return work()


def _close(found: Tensor, expected: Tensor) -> bool:
    return float((found - expected).norm()) <= _ROUNDING * float(expected.norm())
