"""Trainings that end where they no longer get better."""

from __future__ import annotations

import torch
from torch import nn

from gtn_nas.cli.settings import patient
from gtn_nas.task import Task
from gtn_nas.training import Recipe, accuracy, steps_per_epoch, train_network
from gtn_nas.training.patience import Patience


def test_it_ends_after_so_many_epochs_without_a_better_one_and_keeps_the_best() -> None:
    network, reached = nn.Linear(1, 1), iter([0.5, 0.7, 0.6, 0.7, 0.65])
    patience, ends, weights = Patience(network, lambda: next(reached), 3), [], []
    for epoch in range(5):
        nn.init.constant_(network.weight, epoch)
        weights.append(float(network.weight.detach()))
        ends.append(patience.over())
    patience.restore()
    assert ends == [False, False, False, False, True]
    assert float(network.weight.detach()) == weights[1]  # the first of two equal ones


def test_a_network_that_cannot_get_better_is_not_trained_on(digits: Task) -> None:
    class Stuck(nn.Module):
        """Its first epoch is its best: it ignores what it sees."""

        def __init__(self) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(10))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return (0 * self.bias + torch.arange(10.0)).expand(len(images), 10)

    recipe = Recipe(epochs=9, patience=2)
    result = train_network(Stuck(), digits, recipe, seed=0)
    assert result.steps == 3 * steps_per_epoch(digits, recipe)
    assert train_network(Stuck(), digits, Recipe(epochs=9), seed=0).steps == 9 * steps_per_epoch(digits, recipe)


def test_the_best_epochs_network_is_measured(digits: Task) -> None:
    def train(patience: int) -> tuple[float, float]:
        torch.manual_seed(0)
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        result = train_network(network, digits, Recipe(epochs=6, learning_rate=1.0, patience=patience), seed=0)
        assert accuracy(network, digits.validation) == result.validation_accuracy
        return result.validation_accuracy, result.test_accuracy

    assert train(6)[0] >= train(0)[0]


def test_recipes_without_patience_are_the_recipes_of_before() -> None:
    assert "patience" not in Recipe().model_dump()
    assert Recipe().fingerprint == Recipe(patience=0).fingerprint != Recipe(patience=1).fingerprint
    assert Recipe(**Recipe(patience=2).model_dump()).patience == 2


def test_verifications_end_early_unless_they_are_told_otherwise() -> None:
    assert patient(Recipe(epochs=4)).patience > 0
    assert patient(Recipe(patience=0)).patience == 0
    assert patient(Recipe(patience=7)).patience == 7
