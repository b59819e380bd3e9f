"""Zero-cost scores of networks whose layers compute their weights: those of the plain network that maps alike."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune, weight_norm

from gtn_nas.nets.weight_norm import WeightNormConv2d, WeightNormLinear
from gtn_nas.proxy.zero_cost import ZERO_COST
from gtn_nas.space import load_space
from gtn_nas.task import Task
from search_spaces.cnn_small import CnnSmall

BATCH = torch.randn(12, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(12) % 10
WEIGHED = [name for name in ZERO_COST if name not in ("nwot", "jacov")]


class Twice(nn.Module):
    """A parametrization that changes the value."""

    def forward(self, weight: Tensor) -> Tensor:
        return 2 * weight


def network(first: nn.Module, last: nn.Module) -> nn.Module:
    return nn.Sequential(first, nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Flatten(), last).double().train()


def plain(doubled: bool = False) -> nn.Module:
    torch.manual_seed(3)
    found = network(nn.Conv2d(1, 4, 3, bias=False), nn.Linear(4 * 36, 10))
    if doubled:
        found[0].weight.data.mul_(2)
        found[4].weight.data.mul_(2)
    return found


def older(layer: nn.Module) -> None:
    with pytest.warns(FutureWarning):
        weight_norm(layer)


def masked(layer: nn.Module) -> None:
    prune.identity(layer, "weight")


def twice(layer: nn.Module) -> None:
    nn.utils.parametrize.register_parametrization(layer, "weight", Twice())


def of(name: str, digits: Task, network: nn.Module) -> float:
    images, labels = BATCH
    return ZERO_COST[name](CnnSmall(), digits).of(network, images.double(), labels)


@pytest.mark.parametrize("name", ZERO_COST)
@pytest.mark.parametrize("wrap", [parametrizations.weight_norm, older, masked, twice])
def test_a_computed_weight_is_a_weight(digits: Task, name: str, wrap: Callable[[nn.Module], object]) -> None:
    wrapped = plain()
    wrap(wrapped[0])
    wrap(wrapped[4])
    assert of(name, digits, wrapped) == pytest.approx(of(name, digits, plain(doubled=wrap is twice)), rel=1e-9)


@pytest.mark.parametrize("name", ZERO_COST)
def test_weight_normalised_layers_score_as_their_plain_twins(digits: Task, name: str) -> None:
    torch.manual_seed(3)
    first, last = WeightNormConv2d(1, 4, 3, padding=0), WeightNormLinear(4 * 36, 10)
    for parameter in (first.gain, last.gain, last.bias):
        nn.init.uniform_(parameter, 0.5, 2)
    twin = plain()
    for ours, theirs in ((first.double(), twin[0]), (last.double(), twin[4])):
        weight, bias = ours.plain()
        theirs.weight.data.copy_(weight)
        if bias is not None:
            theirs.bias.data.copy_(bias)
    assert of(name, digits, network(first, last)) == pytest.approx(of(name, digits, twin), rel=1e-9)


@pytest.mark.parametrize("name", ZERO_COST)
@pytest.mark.parametrize("space", ["nao_micro_reduced", "published[learner=base]", "published[learner=linear]"])
def test_weight_normalised_spaces_are_scored(digits: Task, name: str, space: str) -> None:
    found = load_space(space)
    scores = [ZERO_COST[name](found, digits).score(found.sample_many(1, 0)[0], seed).value for seed in (0, 1)]
    assert all(math.isfinite(score) for score in scores)
    assert scores[0] != scores[1]


@pytest.mark.parametrize("name", WEIGHED)
def test_a_network_without_weights_is_refused_in_a_sentence(digits: Task, name: str) -> None:
    network = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64))
    with pytest.raises(ValueError, match=r"weights of nn\.Conv2d and nn\.Linear layers .* the network has none"):
        of(name, digits, network.double())
