"""Fit a network that was written for other images to a task."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from gtn_nas.errors import UserError
from gtn_nas.space.base import ImageTask

__all__ = ["arguments_of", "fit_network", "fitting_arguments", "runs"]

_FORMS: dict[str, Callable[[ImageTask], int]] = {  # what constructors usually call them
    "num_labels": lambda task: task.classes,
    "num_classes": lambda task: task.classes,
    "in_channels": lambda task: task.image_shape[0],
    "img_size": lambda task: task.image_shape[1],
}


def fitting_arguments(make: Callable[..., Any]) -> dict[str, Callable[[ImageTask], int]]:
    """Return those arguments of a constructor that say a task's classes, channels or size."""
    accepted = arguments_of(make)
    return {name: read for name, read in _FORMS.items() if name in accepted}


def arguments_of(make: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Return what a class's constructor takes; NNI wraps it, and keeps the plain one under a name of its own."""
    for one in getattr(make, "__mro__", ()):
        found = inspect.signature(vars(one).get("_init_wrapped") or one).parameters
        if set(found) - {"self", "args", "kwargs"}:
            return found
    return inspect.signature(make).parameters


def fit_network(network: nn.Module, task: ImageTask) -> nn.Module:
    """Exchange the first convolution for one that takes the task's channels, and the last linear layer for its classes.

    What fits already is left as it is; new layers draw their weights from torch's global generator.

    Raises:
        UserError: a layer has to be exchanged, but there is none that could be.
    """
    channels, classes = task.image_shape[0], task.classes
    first = next(((name, one) for name, one in network.named_modules() if isinstance(one, nn.Conv2d)), None)
    if first is not None and first[1].in_channels != channels:
        _exchange_first(network, *first, channels)
    linear = [(name, one) for name, one in network.named_modules() if isinstance(one, nn.Linear)]
    if not linear:
        raise UserError("it has no linear layer to fit to the classes")
    name, last = linear[-1]
    if last.out_features != classes:
        _put(network, name, nn.Linear(last.in_features, classes, last.bias is not None), last)
    return network


def _exchange_first(network: nn.Module, name: str, old: Any, channels: int) -> None:
    if old.groups != 1:
        raise UserError(f"its first convolution has {old.groups} groups for {old.in_channels} channels")
    new = nn.Conv2d(
        channels, old.out_channels, old.kernel_size, old.stride, old.padding, old.dilation,
        bias=old.bias is not None, padding_mode=old.padding_mode,
    )  # fmt: skip
    _put(network, name, new, old)


def _put(network: nn.Module, name: str, new: nn.Module, old: nn.Module) -> None:
    """Put ``new`` in the place of ``old``, where that was."""
    place = next(old.parameters())
    parent, _, leaf = name.rpartition(".")
    setattr(network.get_submodule(parent), leaf, new.to(place.device, place.dtype))


def runs(network: nn.Module, task: ImageTask) -> None:
    """Try it on two images.

    Raises:
        Exception: whatever it raises; UserError where it gives no logits of the task's classes.
    """
    with torch.no_grad():
        logits = network.eval()(torch.zeros(2, *task.image_shape))
    if not isinstance(logits, torch.Tensor) or tuple(logits.shape) != (2, task.classes):
        raise UserError(f"it gives {getattr(logits, 'shape', type(logits).__name__)}, not [2, {task.classes}] logits")
