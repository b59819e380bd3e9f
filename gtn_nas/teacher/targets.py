"""What a lesson tells a learner about its images: classes, learned probabilities, or another network's opinion."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.sources import Samples

__all__ = ["Fixed", "Learned", "Soft", "make_targets"]

_CONFIDENCE = 0.9  # the label's own share of a learned target, at first


class Fixed(nn.Module):
    """Every image's class."""

    def forward(self, samples: Samples) -> Tensor:
        """Return classes ``[T·B]``."""
        return samples.labels

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return nothing."""
        return {}


class Learned(nn.Module):
    """Probabilities of one's own for every stored sample, moved by the meta-gradient."""

    def __init__(self, config: TeacherConfig, task: Task) -> None:
        super().__init__()
        count, classes = config.steps * config.batch_size, task.classes
        odds = math.log(_CONFIDENCE * (classes - 1) / (1 - _CONFIDENCE))
        self.logits = nn.Parameter(odds * F.one_hot(torch.arange(count) % classes, classes).float())

    def forward(self, samples: Samples) -> Tensor:
        """Return probabilities ``[T·B, K]``."""
        return self.logits[samples.places].softmax(1)

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return the logits."""
        return {"targets": [self.logits]}


class Soft(nn.Module):
    """What a network that real images have trained makes of the lesson's (the published semi-supervised teacher)."""

    def __init__(self, labeller: nn.Module) -> None:
        super().__init__()
        self.labeller = labeller.requires_grad_(False)

    def forward(self, samples: Samples) -> Tensor:
        """Return probabilities ``[T·B, K]``, differentiable in the images."""
        out: Tensor = self.labeller.eval()(samples.images).softmax(1)
        return out

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return nothing: the network stays as it is."""
        return {}


def make_targets(config: TeacherConfig, task: Task, labeller: nn.Module | None) -> Fixed | Learned | Soft:
    """Return what ``config.targets`` names; ``soft`` needs a ``labeller``: images → logits."""
    if config.targets == "soft":
        if labeller is None:
            raise ValueError("targets = 'soft' needs a labeller; give a network trained on real images.")
        return Soft(labeller)
    return Learned(config, task) if config.targets == "learned" else Fixed()
