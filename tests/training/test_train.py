"""Real training on real digits."""

import math

import pytest
import torch
from torch import nn

from gtn_nas.task import Split
from gtn_nas.training import Recipe, accuracy, predict, train_architecture, train_network
from search_spaces.cnn_small import CnnSmall

SMALL = {
    **{f"stage{stage}_op": "conv3" for stage in (1, 2, 3)},
    **{f"stage{stage}_depth": 1 for stage in (1, 2, 3)},
    "stage1_width": 16,
    "stage2_width": 24,
    "stage3_width": 32,
    "resolution": "full",
    "downsample": "max",
    "norm": "batch",
    "activation": "relu",
    "residual": True,
    "head": "global_average",
}


def build(task, **changes):
    torch.manual_seed(0)
    return CnnSmall().build({**SMALL, **changes}, task)


def measured(result):
    return result.validation_accuracy, result.test_accuracy, result.train_loss


def test_a_small_network_learns_the_digits_the_same_way_each_time(digits):
    recipe = Recipe(epochs=4, batch_size=32)
    networks = [build(digits), build(digits)]
    one, two = (train_network(network, digits, recipe, seed=0) for network in networks)
    assert one.test_accuracy > 0.9
    assert one.validation_accuracy > 0.9
    assert one.train_loss < 0.5
    assert one.steps == 4 * (899 // 32)
    assert one.seconds > 0
    assert one.cpu_seconds > 0
    assert measured(one) == measured(two)
    assert accuracy(networks[0], digits.test) == one.test_accuracy


def test_an_architecture_is_built_and_trained_from_its_seed(digits):
    recipe, before = Recipe(epochs=1), torch.get_rng_state()
    result = train_architecture(CnnSmall(), digits, recipe, SMALL, 0)
    assert torch.equal(torch.get_rng_state(), before)
    network = build(digits)
    assert measured(result) == measured(train_network(network, digits, recipe, seed=0))
    assert result.params == sum(parameter.numel() for parameter in network.parameters())


def test_the_seed_orders_the_images(digits):
    recipe = Recipe(epochs=1)
    results = [train_network(build(digits), digits, recipe, seed) for seed in (0, 1)]
    assert results[0].train_loss != results[1].train_loss


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_a_diverging_training_is_measured_all_the_same(digits, norm):
    result = train_network(build(digits, norm=norm), digits, Recipe(epochs=3, learning_rate=1e6), seed=0)
    assert 0 <= result.validation_accuracy <= 1
    assert 0 <= result.test_accuracy <= 1


def test_training_ends_with_the_epoch_that_is_no_longer_finite(digits):
    class Broken(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(64, 10)

        def forward(self, x):
            return self.layer(x.flatten(1)) * math.nan

    result = train_network(Broken(), digits, Recipe(epochs=5), seed=0)
    assert result.steps == 899 // 64
    assert math.isnan(result.train_loss)
    assert 0 <= result.test_accuracy <= 1


def test_a_batch_larger_than_the_training_set_is_the_whole_set(digits):
    result = train_network(build(digits), digits, Recipe(epochs=2, batch_size=5000), seed=0)
    assert result.steps == 2


def test_prediction_is_in_evaluation_mode_and_does_not_depend_on_the_batch(digits):
    network = build(digits)
    images = digits.test.images[:50]
    torch.testing.assert_close(predict(network, images), predict(network, images, batch_size=7))
    assert not network.training
    assert not predict(network, images).requires_grad


def test_accuracy_is_the_fraction_that_is_right():
    logits = torch.eye(4)[[0, 1, 2, 3]]
    assert accuracy(nn.Flatten(), Split(logits.view(4, 1, 2, 2), torch.tensor([0, 1, 3, 2]))) == 0.5
