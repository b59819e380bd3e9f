"""The functional view of a network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gtn_nas.errors import UserError
from gtn_nas.meta import Learner, examine


def test_logits_are_the_networks(make_case: type) -> None:
    learner = make_case().learner
    images = torch.randn(5, 1, 8, 8, dtype=torch.float64)
    assert torch.equal(learner.logits(learner.initial, images), learner.network(images))


def test_logits_follow_theta(make_case: type) -> None:
    learner = make_case().learner
    images = torch.randn(5, 1, 8, 8, dtype=torch.float64)
    before = [p.clone() for p in learner.network.parameters()]
    assert not torch.equal(learner.logits(1.1 * learner.initial, images), learner.logits(learner.initial, images))
    assert all(torch.equal(a, b) for a, b in zip(before, learner.network.parameters(), strict=True))


def test_prediction_depends_on_the_named_statistics_not_on_the_batch(make_case: type) -> None:
    learner = make_case(norm="batch").learner
    images = torch.randn(6, 1, 8, 8, dtype=torch.float64)
    statistics = learner.statistics(learner.initial, torch.randn(40, 1, 8, 8, dtype=torch.float64))
    whole = learner.predict(learner.initial, images, statistics)
    one_by_one = torch.cat([learner.predict(learner.initial, image[None], statistics) for image in images])
    assert torch.allclose(whole, one_by_one, atol=1e-12)
    assert learner.network.training


def test_without_batch_norm_there_are_no_statistics(make_case: type) -> None:
    learner = make_case(norm="group").learner
    assert not learner.has_statistics
    assert learner.statistics(learner.initial, torch.randn(4, 1, 8, 8, dtype=torch.float64)) == ()


def test_dropout_is_off_in_examinations() -> None:
    learner = Learner(nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(4, 2)))
    images, labels = torch.randn(8, 1, 2, 2), torch.zeros(8, dtype=torch.int64)
    first, _ = examine(learner, learner.initial, images, labels, ())
    second, _ = examine(learner, learner.initial, images, labels, ())
    assert torch.equal(first, second)


def test_the_vector_holds_every_parameter_in_its_place(make_case: type) -> None:
    learner = make_case().learner
    parts = learner.split(learner.initial)
    for name, parameter in learner.network.named_parameters():
        assert torch.equal(parts[name], parameter), name
        assert parts[name].ndim != 4 or parts[name].is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(learner.join(parts.values()), learner.initial)


def test_frozen_parameters_are_left_out() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Linear(3, 2))
    network[1].requires_grad_(False)
    assert len(Learner(network).initial) == 8


def test_a_network_without_parameters_is_refused() -> None:
    with pytest.raises(UserError, match="must have trainable parameters"):
        Learner(nn.Flatten())


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_the_quick_slope_is_the_gradient_of_the_loss(make_case: type, norm: str) -> None:
    learner = make_case(norm=norm).learner
    theta, images = learner.initial.requires_grad_(), torch.randn(6, 1, 8, 8, dtype=torch.float64)
    targets = torch.arange(6) % 3
    loss, recording = learner.observed_loss(theta, images, targets)
    (expected,) = torch.autograd.grad(loss, theta)
    found, slope, observed = learner.slope(theta, images, targets, observed=True)
    assert not found.requires_grad
    torch.testing.assert_close((found, slope), (loss.detach(), expected), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(observed.statistics, recording.statistics)


def test_a_layer_in_two_places_keeps_its_own_parameters() -> None:
    shared = nn.Linear(4, 4)
    learner = Learner(nn.Sequential(nn.Flatten(), shared, nn.ReLU(), shared))
    own = dict(shared.named_parameters())
    learner.logits(2 * learner.initial, torch.randn(3, 1, 2, 2))
    assert all(shared._parameters[name] is parameter for name, parameter in own.items())
