"""How long a network takes on this device."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch.utils.benchmark import Timer

from gtn_nas.device import describe_hardware
from gtn_nas.seeding import seeded
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.task import Task

__all__ = ["Hardware", "measure_latency", "timed_on"]

Hardware: TypeAlias = dict[str, str | int]

_SECONDS = 0.1  # of measuring, after the timer's own warm-up


def measure_latency(space: SearchSpace, task: Task, architecture: Architecture) -> float:
    """Return the median seconds of one image's forward pass, in evaluation mode, on the task's device."""
    device = task.train.images.device
    with seeded(0):
        network = space.build(architecture, task).to(device).eval()
    image = task.train.images[:1]
    with torch.inference_mode():
        timer = Timer(
            "network(image)", globals={"network": network, "image": image}, num_threads=torch.get_num_threads()
        )
        return float(timer.blocked_autorange(min_run_time=_SECONDS).median)


def timed_on(task: Task) -> Hardware:
    """Return what this process would measure a latency on; one GPU of a kind is as good as another."""
    device = task.train.images.device
    return {**describe_hardware(device), "device": device.type}
