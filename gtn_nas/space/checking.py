"""Is a search space fit for use? Its architectures are built, trained for a step, and told apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
import torch.nn.functional as F
from torch import nn

from gtn_nas.errors import UserError
from gtn_nas.seeding import seeded
from gtn_nas.space.base import Architecture, SearchSpace
from gtn_nas.task import Task

__all__ = ["Check", "built", "check_space", "seeded_network", "try_all"]

_BATCH = 16
_NEIGHBOURS = 20


@dataclass(frozen=True)
class Check:
    """One thing that must hold; ``fault`` is empty where it does, else what went wrong with which architecture."""

    what: str
    fault: str


def check_space(space: SearchSpace, task: Task, count: int = 8, seed: int = 0) -> list[Check]:
    """Try ``count`` architectures on ``task``; every check names the first that fails it."""
    architectures = space.sample_up_to(count, seed)
    checks: dict[str, Callable[[Architecture], str]] = {
        "architectures keep their key when written as JSON": lambda one: _written(space, one),
        "neighbours are legal and differ": lambda one: _neighbours(space, one),
        "the same seed builds the same network": lambda one: _repeatable(space, task, one),
        "networks give one logit for each class": lambda one: _logits(space, task, one),
        "networks learn in one step": lambda one: _step(space, task, one),
        "costs are counted": lambda one: "" if space.cost(one, task).params > 0 else "it has no trainable parameter",
    }
    return try_all(checks, architectures)


def try_all(checks: Mapping[str, Callable[[Architecture], str]], architectures: Sequence[Architecture]) -> list[Check]:
    """Try every architecture by every check, which returns what is wrong, or nothing, and may raise anything."""
    return [Check(what, _first_fault(check, architectures)) for what, check in checks.items()]


def built(space: SearchSpace, architecture: Architecture, task: Task) -> nn.Module:
    """Build a network, on the task's device.

    Raises:
        UserError: the builder raised something, which is named with the architecture.
    """
    try:
        return space.build(architecture, task).to(task.train.images.device)
    except (UserError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # a user's builder may raise anything
        raise UserError(
            f"space {space.name} cannot build {json.dumps(architecture)} ({type(error).__name__}: {error}); repair its "
            "build, and try it with gtn-nas spaces."
        ) from error


def _first_fault(check: Callable[[Architecture], str], architectures: Sequence[Architecture]) -> str:
    for one in architectures:
        try:
            fault = check(one)
        except Exception as error:  # a user's builder may raise anything
            fault = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        if fault:
            return f"{fault}, at {json.dumps(one)}"
    return ""


def _written(space: SearchSpace, one: Architecture) -> str:
    again = space.validate(json.loads(json.dumps(one)))
    return "" if space.key(again) == space.key(one) else "it reads back as another"


def _neighbours(space: SearchSpace, one: Architecture) -> str:
    keys = {space.key(space.validate(other)) for other in islice(space.neighbours(one), _NEIGHBOURS)}
    return "a neighbour is the architecture itself" if space.key(one) in keys else ""


def seeded_network(space: SearchSpace, task: Task, one: Architecture) -> nn.Module:
    """Build a network from seed 0, on the task's device."""
    with seeded(0):
        return space.build(one, task).to(task.train.images.device)


def _repeatable(space: SearchSpace, task: Task, one: Architecture) -> str:
    first, again = (seeded_network(space, task, one).state_dict() for _ in range(2))
    return "" if all(torch.equal(first[name], again[name]) for name in first) else "its parameters differ"


def _logits(space: SearchSpace, task: Task, one: Architecture) -> str:
    network = seeded_network(space, task, one)
    images = task.train.images[:_BATCH]
    for mode in (True, False):
        shape = tuple(network.train(mode)(images).shape)
        if shape != (len(images), task.classes):
            return f"it gives {list(shape)}, not {[len(images), task.classes]}"
    return ""


def _step(space: SearchSpace, task: Task, one: Architecture) -> str:
    network = seeded_network(space, task, one).train()
    loss = F.cross_entropy(network(task.train.images[:_BATCH]), task.train.labels[:_BATCH])
    loss.backward()
    slopes = {name: parameter.grad for name, parameter in network.named_parameters() if parameter.grad is not None}
    if not any(slope.any() for slope in slopes.values()):  # some may be idle, as behind an operator that is none
        return "the loss does not depend on any parameter"
    for name, slope in slopes.items():
        if not torch.isfinite(slope).all():
            return f"the gradient of {name} is not finite"
    torch.optim.SGD(network.parameters(), lr=1e-4).step()
    with torch.no_grad():
        after = network(task.train.images[:_BATCH])
    return "" if torch.isfinite(after).all() else "its logits are not finite after one step"
