"""A space whose learners would not be its networks is refused before the work."""

from __future__ import annotations

import random

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gtn_nas.errors import UserError
from gtn_nas.meta.fitness import check_fitness, require_fit
from gtn_nas.space import available_spaces, load_space
from gtn_nas.task import Task
from search_spaces.cnn_small import CnnSmall


class Linear(CnnSmall):
    """A linear layer, that subclasses spoil."""

    def build(self, architecture: object, task: Task) -> nn.Module:  # type: ignore[override]
        return nn.Sequential(nn.Flatten(), nn.Linear(64, task.classes))


@pytest.mark.parametrize("name", [name for name in sorted(available_spaces()) if name != "published"])
def test_built_in_spaces_are_fit(digits: Task, name: str) -> None:
    assert [check.fault for check in check_fitness(load_space(name), digits, 2)] == [""] * 7


def test_a_space_that_is_not_fit_is_refused_before_the_work(digits: Task) -> None:
    class Seven(Linear):
        def build(self, architecture: object, task: Task) -> nn.Module:  # type: ignore[override]
            return nn.Sequential(nn.Flatten(), nn.Linear(64, 7))

    with pytest.raises(UserError, match=r"“networks give one logit for each class” does not hold \(it gives \[16, 7\]"):
        require_fit(Seven(), digits)
    before = torch.get_rng_state()
    require_fit(Linear(), digits)
    assert torch.equal(torch.get_rng_state(), before)  # a training that follows draws what it would have drawn


class _Hidden(nn.Module):
    """Reads its weight where nothing can be put in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 10)
        self.kept = [self.linear.weight]

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x.flatten(1), self.kept[0], self.linear.bias)


class _Moody(nn.Sequential):
    """Draws from Python's generator, which no seed of PyTorch's decides."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * random.uniform(0.1, 2.0)


@pytest.mark.parametrize("network", [_Hidden, lambda: _Moody(nn.Flatten(), nn.Linear(64, 10))])
def test_learners_that_are_not_the_networks_are_refused(digits: Task, network: type[nn.Module]) -> None:
    class Spoilt(Linear):
        def build(self, architecture: object, task: Task) -> nn.Module:  # type: ignore[override]
            return network()

    with pytest.raises(UserError, match=r"be taught by batches of 16” does not hold \(a learner's gradient is not"):
        require_fit(Spoilt(), digits)


def test_batches_that_a_network_cannot_normalise_are_refused(digits: Task) -> None:
    class Normalised(Linear):
        def build(self, architecture: object, task: Task) -> nn.Module:  # type: ignore[override]
            return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, task.classes))

    require_fit(Normalised(), digits, batch=2)
    with pytest.raises(UserError, match=r"taught by batches of 1” does not hold \(ValueError: Expected more than 1"):
        require_fit(Normalised(), digits, batch=1)
