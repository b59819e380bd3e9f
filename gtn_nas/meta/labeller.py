"""The network whose opinions serve as soft targets: trained on real images before the teacher is."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import nn

from gtn_nas.nets.published import build_published
from gtn_nas.seeding import seeded
from gtn_nas.task import Task
from gtn_nas.training import Recipe, train_network

__all__ = ["make_labeller"]

_LEARNER = "base"  # of the published learners
_STEPS, _MOST_IMAGES = 400, 25_600


def make_labeller(task: Task, seed: int, *, trained: bool) -> nn.Module:
    """Return a published learner, trained for 400 steps or, to load weights into, as it was built.

    The test split is not looked at.
    """
    with seeded(seed):
        network = build_published(_LEARNER, task).to(task.train.images.device)
        if trained:
            part = replace(task, train=task.train.head(_MOST_IMAGES), test=task.validation)
            recipe = Recipe()
            epochs = math.ceil(_STEPS * recipe.batch_size / len(part.train))
            train_network(network, part, recipe.model_copy(update={"epochs": epochs}), seed)
    # Training lays weights out channels last, a checkpoint does not: the two would round differently.
    network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return network
