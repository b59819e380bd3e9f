"""Corruptions and attacks against what is known of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from gtn_nas.errors import UserError
from gtn_nas.robustness import (
    BLUR_GRID,
    ITERATED_FGSM_GRID,
    NOISE_GRID,
    TRIALS,
    PixelRange,
    Subject,
    Trial,
    accuracy_curve,
    blur,
    fgsm,
    find_trials,
    iterated_fgsm,
    noise,
    penalised_fgsm,
    pgd,
)
from gtn_nas.task import Split, Task

CHANNELS, SIDE, CLASSES = 3, 5, 4
MEAN, STD = (0.3, 0.5, 0.2), (0.25, 0.4, 0.1)


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def weights() -> Tensor:
    return torch.randn(CLASSES, CHANNELS * SIDE * SIDE, generator=draw(1), dtype=torch.float64)


@pytest.fixture
def subject(weights: Tensor) -> Subject:
    """A linear classifier and images whose pixels are between 0.3 and 0.7."""
    pixels = 0.3 + 0.4 * torch.rand(20, CHANNELS, SIDE, SIDE, generator=draw(2), dtype=torch.float64)
    mean, std = (pixels.new_tensor(values).view(1, -1, 1, 1) for values in (MEAN, STD))
    labels = torch.randint(CLASSES, (20,), generator=draw(3))
    return Subject(lambda x: x.flatten(1) @ weights.T, (pixels - mean) / std, labels, PixelRange.of(MEAN, STD, pixels))


@pytest.fixture(scope="module")
def trained(digits: Task) -> nn.Module:
    """A small network that knows the digits, in double precision."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10)).double()
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(60):
        optimiser.zero_grad()
        F.cross_entropy(network(digits.train.images.double()), digits.train.labels).backward()
        optimiser.step()
    return network.eval()


@pytest.fixture(scope="module")
def examined(digits: Task) -> tuple[Split, PixelRange]:
    part = digits.test.head(150)
    images = part.images.double()
    return Split(images, part.labels), PixelRange.of(digits.mean, digits.std, images)


def pixels_of(images: Tensor) -> Tensor:
    mean, std = (images.new_tensor(values).view(1, -1, 1, 1) for values in (MEAN, STD))
    return images * std + mean


def closed_form(subject: Subject, weights: Tensor) -> Tensor:
    """The gradient of a linear classifier's cross-entropy: Wᵀ(p - y)/B."""
    wrong = subject.logits(subject.images).softmax(1) - F.one_hot(subject.labels, CLASSES)
    return (wrong @ weights / len(wrong)).view_as(subject.images)


def test_the_range_is_black_to_white() -> None:
    valid = PixelRange.of((0.1307,), (0.3081,), torch.zeros((), dtype=torch.float64))
    assert valid.low.item() == pytest.approx(-0.4242, abs=1e-4)
    assert valid.high.item() == pytest.approx(2.8215, abs=1e-4)
    assert valid.pixels(0.3081).item() == pytest.approx(1)


def test_the_published_grids() -> None:
    assert [NOISE_GRID[i] for i in (0, 5, 9)] == pytest.approx([0, 0.89, 1.6], abs=5e-3)
    assert [BLUR_GRID[i] for i in (0, 2, 4, 6, 9)] == pytest.approx([0.01, 1.12, 2.23, 3.34, 5], abs=5e-3)
    assert pytest.approx([0.001, 0.0048, 0.0086, 0.0124, 0.0162, 0.02]) == ITERATED_FGSM_GRID


def test_fgsm_on_a_linear_classifier_has_a_closed_form(subject: Subject, weights: Tensor) -> None:
    gradient = closed_form(subject, weights)
    assert torch.allclose(subject.slope(subject.images), gradient, atol=1e-14)
    moved = pixels_of(fgsm(subject, 0.1, draw())) - pixels_of(subject.images)  # 0.3 to 0.7: nothing is clamped
    assert torch.allclose(moved, 0.1 * gradient.sign(), atol=1e-12)


def test_everything_stays_within_black_and_white(subject: Subject) -> None:
    for name, strength in (("noise", 3.0), ("fgsm", 0.9), ("pgd", 0.9), ("iterated_fgsm", 1.0), ("blur", 4.0)):
        pixels = pixels_of(TRIALS[name].apply(subject, strength, draw()))
        assert pixels.min() >= -1e-12
        assert pixels.max() <= 1 + 1e-12
        assert name == "blur" or pixels.max() > 0.99  # some had to be clamped


def test_noise_is_the_strength_times_a_normal_draw(subject: Subject) -> None:
    drawn = torch.randn(subject.images.shape, generator=draw(5), dtype=torch.float64)
    found = noise(subject, 0.2, draw(5))
    assert torch.equal(found, subject.valid.clamp(subject.images + 0.2 * drawn))
    assert torch.equal(noise(subject, 0, draw()), subject.images)


@pytest.mark.parametrize("strength", [0, 0.01, 0.7, 2.2278, 5.0])
def test_blur_is_scipys(subject: Subject, strength: float) -> None:
    expected = gaussian_filter(subject.images.numpy(), (0, 0, strength, strength), mode="reflect", truncate=3.5)
    assert torch.allclose(blur(subject, strength, draw()), torch.from_numpy(expected), atol=1e-12)


def test_blur_leaves_a_constant_image_alone(subject: Subject) -> None:
    flat = Subject(subject.logits, torch.full_like(subject.images, 0.3), subject.labels, subject.valid)
    assert torch.allclose(blur(flat, 2.0, draw()), flat.images, atol=1e-14)


def test_iterated_fgsm_walks_as_far_as_it_steps(subject: Subject, weights: Tensor) -> None:
    once = iterated_fgsm(subject, 0.01, draw(), steps=1)
    assert torch.allclose(once - subject.images, 0.01 * closed_form(subject, weights).sign(), atol=1e-12)
    furthest = (iterated_fgsm(subject, 0.01, draw()) - subject.images).abs().max().item()
    assert furthest == pytest.approx(0.3)  # thirty steps, bounded by nothing else


def test_penalised_fgsm_is_iterated_fgsm_held_back(subject: Subject, weights: Tensor) -> None:
    free = iterated_fgsm(subject, 0.02, draw())
    assert torch.equal(penalised_fgsm(subject, 1e12, draw()), free)
    first = penalised_fgsm(subject, 5, draw(), steps=1)  # the penalty's gradient is zero at the start
    assert torch.allclose(first - subject.images, 0.02 * closed_form(subject, weights).sign(), atol=1e-12)
    second = penalised_fgsm(subject, 5, draw(), steps=2)
    gone = first - subject.images
    there = Subject(subject.logits, first, subject.labels, subject.valid)
    slope = closed_form(there, weights) - gone / torch.linalg.vector_norm(gone) / 5
    assert torch.allclose(second - first, 0.02 * slope.sign(), atol=1e-12)
    held = (penalised_fgsm(subject, 0.05, draw()) - subject.images).norm()
    assert held < (free - subject.images).norm() / 2


def test_pgd_stays_in_its_ball(trained: nn.Module, examined: tuple[Split, PixelRange]) -> None:
    split, valid = examined
    subject = Subject(trained, split.images, split.labels, valid)
    for strength in (0.05, 0.2):
        moved = (pgd(subject, strength, draw()) - split.images).abs() * (1 / (valid.high - valid.low))
        assert moved.max() <= strength + 1e-12
        assert moved.max() > 0.99 * strength
    assert torch.allclose(pgd(subject, 0, draw()), split.images, atol=1e-14)


def test_pgd_is_at_least_as_strong_as_fgsm(trained: nn.Module, examined: tuple[Split, PixelRange]) -> None:
    split, valid = examined
    by_fgsm, by_pgd = (dict(accuracy_curve(TRIALS[name], trained, split, valid)) for name in ("fgsm", "pgd"))
    assert all(by_pgd[strength] <= by_fgsm[strength] for strength in by_fgsm)
    assert by_pgd[0.2] < by_fgsm[0.0] - 0.3


@pytest.mark.parametrize("name", [name for name, trial in TRIALS.items() if 0 in trial.strengths])
def test_at_strength_zero_accuracy_is_the_clean_one(
    trained: nn.Module, examined: tuple[Split, PixelRange], name: str
) -> None:
    split, valid = examined
    clean = float((trained(split.images).argmax(1) == split.labels).double().mean())
    assert clean > 0.8
    curve = accuracy_curve(TRIALS[name], trained, split, valid, at_once=40)
    assert curve[0] == (0, pytest.approx(clean))
    assert [strength for strength, _ in curve] == list(TRIALS[name].strengths)


def test_batches_are_what_the_model_sees(examined: tuple[Split, PixelRange]) -> None:
    split, valid = examined
    seen: list[int] = []

    def model(images: Tensor) -> Tensor:
        seen.append(len(images))
        return F.one_hot(split.labels[: len(images)] * 0, 10).double()

    trial = Trial("noise", noise, (0.1,), "")
    assert accuracy_curve(trial, model, split, valid, at_once=100) == [
        (0.1, float((split.labels == 0).double().mean()))
    ]
    assert seen == [100, 50]


@pytest.mark.parametrize("strength", [-0.1, math.nan, math.inf])
@pytest.mark.parametrize("apply", [trial.apply for trial in TRIALS.values()], ids=list(TRIALS))
def test_a_strength_that_means_nothing_is_refused(
    subject: Subject, apply: Callable[..., Tensor], strength: float
) -> None:
    with pytest.raises(UserError, match=rf"the strength of {apply.__name__} must be finite and .*, but is"):
        apply(subject, strength, draw())


def test_other_bad_input_is_refused(subject: Subject) -> None:
    with pytest.raises(UserError, match=r"penalised_fgsm must be finite and positive, but is 0"):
        penalised_fgsm(subject, 0, draw())
    with pytest.raises(UserError, match="unknown trial 'fog'; use one of noise, blur"):
        find_trials(["noise", "fog"])
    nothing = Split(subject.images[:0], subject.labels[:0])
    with pytest.raises(UserError, match="needs images, but there are none"):
        accuracy_curve(TRIALS["noise"], subject.logits, nothing, subject.valid)
    assert [trial.name for trial in find_trials([])] == list(TRIALS)
