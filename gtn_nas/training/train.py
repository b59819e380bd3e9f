"""Real training: a network, a task, a recipe, a seed."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gtn_nas.seeding import seeded
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.task import Split, Task
from gtn_nas.training.patience import Patience
from gtn_nas.training.recipe import Recipe

__all__ = [
    "Fitted",
    "TrainingResult",
    "accuracy",
    "fit",
    "predict",
    "rate_by_step",
    "steps_per_epoch",
    "train_architecture",
    "train_network",
]


@dataclass(frozen=True)
class TrainingResult:
    """What one training gave; accuracies are fractions, ``steps`` optimiser updates, ``params`` trainable ones."""

    validation_accuracy: float
    test_accuracy: float
    train_loss: float
    steps: int
    seconds: float
    cpu_seconds: float
    params: int


@dataclass(frozen=True)
class Fitted:
    """Optimiser updates that were made, and the mean training loss of the last epoch's."""

    steps: int
    train_loss: float


def train_architecture(
    space: SearchSpace, task: Task, recipe: Recipe, architecture: Architecture, seed: int
) -> TrainingResult:
    """Build the architecture's network and train it, everything random from ``seed``."""
    with seeded(seed):
        return train_network(space.build(architecture, task), task, recipe, seed)


def train_network(network: nn.Module, task: Task, recipe: Recipe, seed: int) -> TrainingResult:
    """Train ``network`` in place on the task's training split and measure it.

    The order of the images follows ``seed``. A network whose loss stops being finite keeps the accuracy it
    then has (with patience, that of its best epoch): that it cannot be trained by the recipe is a fact about it.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    rate = rate_by_step(task, recipe)
    if not recipe.patience:
        fitted = fit(network, task, recipe, seed, rate)
    else:
        patience = Patience(network, lambda: accuracy(network, task.validation), recipe.patience)
        fitted = fit(network, task, recipe, seed, rate, patience.over)
        patience.restore()
    return TrainingResult(
        validation_accuracy=accuracy(network, task.validation),
        test_accuracy=accuracy(network, task.test),
        train_loss=fitted.train_loss,
        steps=fitted.steps,
        seconds=time.perf_counter() - wall,
        cpu_seconds=time.process_time() - cpu,
        params=sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad),
    )


def fit(
    network: nn.Module,
    task: Task,
    recipe: Recipe,
    seed: int,
    rate: Callable[[int], float | None],
    over: Callable[[], bool] | None = None,
) -> Fitted:
    """Train ``network`` in place.

    ``rate`` gives a step's share of the recipe's learning rate, None to stop; ``over`` is asked after each epoch
    whether to stop.
    """
    network.to(task.train.images.device)
    for parameter in network.parameters():
        if parameter.ndim == 4:  # a network may hold convolutions of more axes
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    images = task.train.images.contiguous(memory_format=torch.channels_last)
    order = torch.Generator().manual_seed(seed)
    batch = min(recipe.batch_size, len(task.train))
    per_epoch = steps_per_epoch(task, recipe)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    recent: deque[Tensor] = deque(maxlen=per_epoch)
    steps = 0
    while not recent or math.isfinite(float(recent[-1])):
        network.train()
        for index in torch.randperm(len(task.train), generator=order)[: per_epoch * batch].split(batch):
            share = rate(steps)
            if share is None:
                return Fitted(steps, float(torch.stack(list(recent)).mean()) if recent else math.nan)
            optimiser.param_groups[0]["lr"] = recipe.learning_rate * share
            loss = F.cross_entropy(
                network(images[index]), task.train.labels[index], label_smoothing=recipe.label_smoothing
            )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            steps += 1
            recent.append(loss.detach())
        if over is not None and over():
            break
    return Fitted(steps, float(torch.stack(list(recent)).mean()))


@torch.no_grad()
def predict(network: nn.Module, images: Tensor, batch_size: int = 1000) -> Tensor:
    """Return logits ``[N, classes]``, the network in evaluation mode."""
    network.eval()
    images = images.contiguous(memory_format=torch.channels_last)
    return torch.cat([network(part) for part in images.split(batch_size)])


def accuracy(network: nn.Module, split: Split) -> float:
    """Return the fraction of the split that the network classifies correctly."""
    return float((predict(network, split.images).argmax(1) == split.labels).float().mean())


def rate_by_step(task: Task, recipe: Recipe) -> Callable[[int], float | None]:
    """Return the recipe's warm-up and cosine decay over its epochs, as :func:`fit` takes it."""
    total = recipe.epochs * steps_per_epoch(task, recipe)
    return lambda step: _warm_cosine(step, total, recipe) if step < total else None


def steps_per_epoch(task: Task, recipe: Recipe) -> int:
    """Return the optimiser updates of one pass over the training images; those that fill no batch are left out."""
    return len(task.train) // min(recipe.batch_size, len(task.train))


def _warm_cosine(step: int, total: int, recipe: Recipe) -> float:
    warm = max(1, round(recipe.warmup_fraction * total))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))
