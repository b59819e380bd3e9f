"""``cnn_small``: small three-stage convolutional networks for 8×8 to 64×64 images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from torch import nn

from gtn_nas.nets import ACTIVATIONS, NORMALISATIONS, OPERATORS, Block, Pool, kaiming_init, make_norm
from gtn_nas.space import Architecture, ImageTask, SearchSpace

__all__ = ["CnnSmall"]

_STAGES = (1, 2, 3)
_WIDTHS = {1: (16, 24), 2: (24, 32), 3: (32, 64)}
_LARGEST_FIRST_STAGE = 16  # pixels: the stem strides until the first stage sees no more


def _parameters() -> dict[str, BaseDistribution]:
    parameters: dict[str, BaseDistribution] = {}
    for stage in _STAGES:
        low, high = _WIDTHS[stage]
        parameters[f"stage{stage}_op"] = CategoricalDistribution(tuple(OPERATORS))
        parameters[f"stage{stage}_depth"] = IntDistribution(1, 3)
        parameters[f"stage{stage}_width"] = IntDistribution(low, high, step=8)
    return parameters | {
        "resolution": CategoricalDistribution(("full", "half")),
        "downsample": CategoricalDistribution(("max", "average", "stride")),
        "norm": CategoricalDistribution(NORMALISATIONS),
        "activation": CategoricalDistribution(tuple(ACTIVATIONS)),
        "residual": CategoricalDistribution((True, False)),
        "head": CategoricalDistribution(("global_average", "flatten")),
    }


class CnnSmall(SearchSpace):
    """Stem, three stages of 1-3 blocks, one head: 19,440,000 architectures of 2 k to 500 k parameters.

    Each stage has its own operator, depth and width; down-sampling (between stages), normalisation,
    activation and residual connections are the whole network's. Widths differ by at most a factor of two, so
    that size alone says little about accuracy: operators, normalisation, depth and residuals decide.
    """

    name = "cnn_small"
    version = 1
    parameters: ClassVar[Mapping[str, BaseDistribution]] = _parameters()

    def build(self, architecture: Architecture, task: ImageTask) -> nn.Module:
        """Return the network for ``task``: logits ``[B, classes]``."""
        chosen = self.validate(architecture)
        norm, activation = str(chosen["norm"]), str(chosen["activation"])
        channels, height, width = task.image_shape
        halvings = max(0, math.ceil(math.log2(max(height, width) / _LARGEST_FIRST_STAGE)))
        stride = 2 ** (halvings + (chosen["resolution"] == "half"))
        features = int(chosen["stage1_width"])
        kernel = max(3, 2 * stride - 1)
        layers: list[nn.Module] = [
            nn.Conv2d(channels, features, kernel, stride, padding=kernel // 2, bias=norm == "none"),
            make_norm(norm, features),
            ACTIVATIONS[activation](),
        ]
        height, width = math.ceil(height / stride), math.ceil(width / stride)
        for stage in _STAGES:
            pools = stage > 1 and chosen["downsample"] != "stride"
            strides = stage > 1 and not pools
            if pools:
                layers.append(Pool(str(chosen["downsample"])))
            if stage > 1:
                height, width = math.ceil(height / 2), math.ceil(width / 2)
            for index in range(int(chosen[f"stage{stage}_depth"])):
                out = int(chosen[f"stage{stage}_width"])
                layers.append(
                    Block(
                        str(chosen[f"stage{stage}_op"]),
                        features,
                        out,
                        stride=2 if strides and index == 0 else 1,
                        norm=norm,
                        activation=activation,
                        residual=bool(chosen["residual"]),
                    )
                )
                features = out
        if chosen["head"] == "global_average":
            layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, task.classes)]
        else:
            layers += [nn.Flatten(), nn.Linear(features * height * width, task.classes)]
        network = nn.Sequential(*layers)
        kaiming_init(network)
        return network
