"""``published``: the learners of the published GTN experiments, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from optuna.distributions import BaseDistribution, CategoricalDistribution
from torch import nn

from gtn_nas.nets.published import PUBLISHED, build_published
from gtn_nas.space import Architecture, ImageTask, SearchSpace

__all__ = ["Published"]


class Published(SearchSpace):
    """The learners of the published GTN experiments.

    Its one parameter is the learner's name; ``published[learner=goodai]`` is that learner alone.
    """

    name = "published"
    version = 1
    parameters: ClassVar[Mapping[str, BaseDistribution]] = {"learner": CategoricalDistribution(tuple(PUBLISHED))}

    def build(self, architecture: Architecture, task: ImageTask) -> nn.Module:
        """Return the learner for ``task``: logits ``[B, classes]``."""
        return build_published(str(self.validate(architecture)["learner"]), task)
