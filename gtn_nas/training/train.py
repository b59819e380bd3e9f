"""Real training: a network, a task, a recipe, a seed."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gtn_nas.seeding import seeded
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.task import Split, Task
from gtn_nas.training.recipe import Recipe

__all__ = ["TrainingResult", "accuracy", "predict", "train_architecture", "train_network"]


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


def train_architecture(
    space: SearchSpace, task: Task, recipe: Recipe, architecture: Architecture, seed: int
) -> TrainingResult:
    """Build the architecture's network and train it, everything random from ``seed``."""
    with seeded(seed):
        return train_network(space.build(architecture, task), task, recipe, seed)


def train_network(network: nn.Module, task: Task, recipe: Recipe, seed: int) -> TrainingResult:
    """Train ``network`` in place on the task's training split and measure it.

    The order of the images follows ``seed``. A network whose loss stops being finite keeps the accuracy it
    then has: that it cannot be trained by the recipe is a fact about it.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    network.to(task.train.images.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = task.train.images.contiguous(memory_format=torch.channels_last)
    order = torch.Generator().manual_seed(seed)
    batch = min(recipe.batch_size, len(task.train))
    per_epoch = len(task.train) // batch
    total = per_epoch * recipe.epochs
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _warm_cosine(step, total, recipe))
    network.train()
    recent: deque[Tensor] = deque(maxlen=per_epoch)
    steps = 0
    for _ in range(recipe.epochs):
        for index in torch.randperm(len(task.train), generator=order)[: per_epoch * batch].split(batch):
            loss = F.cross_entropy(
                network(images[index]), task.train.labels[index], label_smoothing=recipe.label_smoothing
            )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            steps += 1
            recent.append(loss.detach())
        if not math.isfinite(float(recent[-1])):
            break
    return TrainingResult(
        validation_accuracy=accuracy(network, task.validation),
        test_accuracy=accuracy(network, task.test),
        train_loss=float(torch.stack(list(recent)).mean()),
        steps=steps,
        seconds=time.perf_counter() - wall,
        cpu_seconds=time.process_time() - cpu,
        params=sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad),
    )


@torch.no_grad()
def predict(network: nn.Module, images: Tensor, batch_size: int = 1000) -> Tensor:
    """Return logits ``[N, classes]``, the network in evaluation mode."""
    network.eval()
    images = images.contiguous(memory_format=torch.channels_last)
    return torch.cat([network(part) for part in images.split(batch_size)])


def accuracy(network: nn.Module, split: Split) -> float:
    """Return the fraction of the split that the network classifies correctly."""
    return float((predict(network, split.images).argmax(1) == split.labels).float().mean())


def _warm_cosine(step: int, total: int, recipe: Recipe) -> float:
    warm = max(1, round(recipe.warmup_fraction * total))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))
