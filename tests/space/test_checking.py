"""What is wrong with a space is found and named."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gtn_nas.errors import UserError
from gtn_nas.space import Architecture, ImageTask, SearchSpace
from gtn_nas.space.checking import built, check_space
from gtn_nas.task import Task
from search_spaces.cnn_small import CnnSmall


def faults(space: SearchSpace, task: Task) -> dict[str, str]:
    return {check.what: check.fault for check in check_space(space, task, 2) if check.fault}


def test_a_builder_that_raises(digits: Task) -> None:
    class Broken(CnnSmall):
        def build(self, architecture: object, task: object) -> nn.Module:
            raise KeyError("width")

    found = faults(Broken(), digits)
    assert "KeyError: 'width', at {" in found["networks give one logit for each class"]
    assert "architectures keep their key when written as JSON" not in found


class Linear(CnnSmall):
    """A linear layer, that subclasses spoil."""

    def build(self, architecture: object, task: Task) -> nn.Module:  # type: ignore[override]
        return nn.Sequential(nn.Flatten(), nn.Linear(64, task.classes))


def test_the_wrong_number_of_logits(digits: Task) -> None:
    class Wide(Linear):
        def build(self, architecture: object, task: Task) -> nn.Module:  # type: ignore[override]
            return nn.Sequential(nn.Flatten(), nn.Linear(64, 11))

    assert "it gives [16, 11], not [16, 10]" in faults(Wide(), digits)["networks give one logit for each class"]


def test_a_loss_that_nothing_changes(digits: Task) -> None:
    class Deaf(Linear):
        def build(self, architecture: object, task: Task) -> nn.Module:  # type: ignore[override]
            return nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.Threshold(1e9, 0.0))

    assert "does not depend on any parameter" in faults(Deaf(), digits)["networks learn in one step"]


def test_an_initialisation_that_no_seed_decides(digits: Task) -> None:
    class Moody(Linear):
        def build(self, architecture: object, task: Task) -> nn.Module:  # type: ignore[override]
            network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
            nn.init.uniform_(network[1].weight, generator=torch.Generator().manual_seed(torch.seed() % 1000))
            return network

    assert "parameters differ" in faults(Moody(), digits)["the same seed builds the same network"]


def test_nothing_to_train(digits: Task) -> None:
    class Empty(Linear):
        def build(self, architecture: object, task: Task) -> nn.Module:  # type: ignore[override]
            return nn.Sequential(nn.AdaptiveAvgPool2d((1, 10)), nn.Flatten())

    assert "no trainable parameter" in faults(Empty(), digits)["costs are counted"]


def test_a_network_that_cannot_be_built_is_named(digits: Task) -> None:
    class Deep(CnnSmall):
        def build(self, architecture: Architecture, task: ImageTask) -> nn.Module:
            raise ValueError("too deep")

    with pytest.raises(UserError, match=r"cannot build \{\"width\": 8\} \(ValueError: too deep\); repair its build"):
        built(Deep(), {"width": 8}, digits)
