"""Every kind of teacher: its lessons, its schedule, and how it begins."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from gtn_nas.meta import inner_optimiser
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.curriculum import CURRICULA
from gtn_nas.teacher.schedule import Schedule
from gtn_nas.teacher.teacher import Teacher

SIZES = {"steps": 3, "batch_size": 20, "latent": 8, "width": 8}
KINDS = [
    *({"curriculum": name} for name in CURRICULA),
    {"kind": "distilled_pixels"},
    {"kind": "distilled_pixels", "curriculum": "all_shuffled", "targets": "learned"},
    {"kind": "distilled_components"},
    {"kind": "distilled_components", "curriculum": "batch_shuffled", "targets": "soft"},
    {"kind": "real"},
    {"targets": "learned", "curriculum": "batch_shuffled"},
    {"targets": "soft"},
]


def make_teacher(task: Task, seed: int = 0, **settings: object) -> Teacher:
    config = TeacherConfig(**{**SIZES, **settings})
    labeller = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)) if config.targets == "soft" else None
    return Teacher(config, task, inner_optimiser("adam").hyperparameters, seed, labeller)


@pytest.mark.parametrize("settings", KINDS, ids=lambda kind: "-".join(kind.values()))
def test_lessons_have_the_configured_shape_and_follow_the_seed(digits: Task, settings: dict[str, str]) -> None:
    teacher = make_teacher(digits, **settings)
    before = torch.random.get_rng_state()
    lesson, again, other = teacher(1), teacher(1), teacher(2)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert lesson.images.shape == (3, 20, 1, 8, 8)
    soft = settings.get("targets", "fixed") != "fixed"
    assert lesson.targets.shape == ((3, 20, 10) if soft else (3, 20))
    assert set(lesson.hyper) == {"lr", "beta1", "beta2"}
    assert torch.equal(lesson.images, again.images)
    changes = settings.get("curriculum") in ("random", "batch_shuffled", "all_shuffled") or "real" in settings.values()
    assert torch.equal(lesson.images, other.images) != changes


@pytest.mark.parametrize("settings", KINDS, ids=lambda kind: "-".join(kind.values()))
def test_every_learned_part_gets_a_gradient(digits: Task, settings: dict[str, str]) -> None:
    teacher = make_teacher(digits, **settings)
    lesson = teacher(0)
    total = lesson.images.square().sum() + sum(values.sum() for values in lesson.hyper.values())
    if lesson.targets.is_floating_point():
        total = total + lesson.targets.square().sum()
    total.backward()
    learned = [p for group in teacher.groups().values() for p in group]
    assert learned
    assert all(p.grad is not None for p in learned)
    assert {id(p) for p in learned} == {id(p) for p in teacher.parameters() if p.requires_grad}


def test_balanced_labels_in_the_order_of_the_samples(digits: Task) -> None:
    labels = make_teacher(digits)(0).targets
    assert labels.flatten().tolist() == [number % 10 for number in range(60)]


def test_whole_batches_or_single_samples_are_shuffled(digits: Task) -> None:
    whole = make_teacher(digits)(0).images
    by_batch = make_teacher(digits, curriculum="batch_shuffled")(5).images
    assert all(any(torch.allclose(batch, known, atol=0.2) for known in whole) for batch in by_batch)
    config = {"kind": "distilled_pixels"}
    samples = make_teacher(digits, **config)(0)
    shuffled = make_teacher(digits, **config, curriculum="all_shuffled")(5)
    known = {_key(image): int(label) for image, label in _pairs(samples.images, samples.targets)}
    for image, label in _pairs(shuffled.images, shuffled.targets):
        assert known[_key(image)] == int(label)


@pytest.mark.parametrize("kind", ["distilled_pixels", "distilled_components"])
def test_what_is_distilled_begins_as_real_images(digits: Task, kind: str) -> None:
    teacher = make_teacher(digits, kind=kind)
    teacher.resemble_real_images(digits, 0)
    lesson = teacher(0)
    for image, label in _pairs(lesson.images, lesson.targets):
        apart = (digits.train.images - image).abs().amax((1, 2, 3))
        assert apart.min() < 0.01  # of deviations near one
        assert digits.train.labels[apart.argmin()] == label


def test_components_step_as_far_as_real_images_are_spread(digits: Task) -> None:
    """By the covariance: a slope along a long axis moves images far, one along a short axis hardly."""
    real = digits.train.images.flatten(1)
    variances, axes = torch.linalg.eigh(torch.cov(real.T))
    teacher = make_teacher(digits, kind="distilled_components")
    images = teacher(0).images.flatten(0, 1).flatten(1)
    for axis in (-1, -2, -10):
        slope = torch.autograd.grad((images @ axes[:, axis]).sum(), teacher.groups()["pixels"], retain_graph=True)[0]
        moved = teacher.source.form(slope) - teacher.source.form(torch.zeros_like(slope))
        expected = (variances[axis] * axes[:, axis]).expand(60, -1)
        assert torch.allclose(moved.flatten(1), expected, rtol=0.02, atol=0.02 * float(variances[axis]))


def _pairs(images: Tensor, labels: Tensor) -> list[tuple[Tensor, Tensor]]:
    return list(zip(images.flatten(0, 1), labels.flatten(), strict=True))


def _key(image: Tensor) -> bytes:
    return image.detach().numpy().tobytes()


def test_real_images_come_with_their_own_labels(digits: Task) -> None:
    lesson = make_teacher(digits, kind="real")(0)
    labels = {_key(image): int(label) for image, label in _pairs(digits.train.images[None], digits.train.labels)}
    assert all(labels[_key(image)] == int(label) for image, label in _pairs(lesson.images, lesson.targets))


def test_learned_targets_begin_near_the_labels(digits: Task) -> None:
    teacher = make_teacher(digits, targets="learned")
    targets = teacher(0).targets
    assert torch.allclose(targets.sum(-1), torch.ones(3, 20))
    assert torch.allclose(targets.amax(-1), torch.full((3, 20), 0.9))
    assert targets.argmax(-1).flatten().tolist() == [number % 10 for number in range(60)]


def test_soft_targets_are_what_the_labeller_says(digits: Task) -> None:
    teacher = make_teacher(digits, targets="soft")
    lesson = teacher(0)
    expected = teacher.targets.labeller(lesson.images.flatten(0, 1)).softmax(1)
    assert torch.allclose(lesson.targets.flatten(0, 1), expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "real", "curriculum": "random"}, "draws its images anew"),
        ({"kind": "distilled_pixels", "curriculum": "random_fixed"}, "draws latents, which kind = distilled_pixels"),
        ({"kind": "distilled_components", "curriculum": "random"}, "which kind = distilled_components has none of"),
        ({"kind": "real", "targets": "learned"}, "kind = real shows other images in every lesson"),
        ({"curriculum": "random", "targets": "learned"}, "curriculum = random shows other images in every lesson"),
    ],
)
def test_what_does_not_go_together_is_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TeacherConfig(**settings)


def test_schedule_starts_at_its_initial_values_and_stays_in_range() -> None:
    schedule = Schedule({"lr": 0.02, "momentum": 0.5}, 4)
    assert torch.allclose(schedule()["lr"], torch.full((4,), 0.02))
    assert torch.allclose(schedule()["momentum"], torch.full((4,), 0.5))
    with torch.no_grad():
        for raw in schedule.parameters():
            raw += 5 * torch.randn(4)
    values = schedule()
    assert (values["lr"] > 0).all()
    assert ((values["momentum"] > 0) & (values["momentum"] < 1)).all()


def test_the_seed_decides_and_leaves_the_global_generator_alone(digits: Task) -> None:
    before = torch.random.get_rng_state()
    first, again, other = make_teacher(digits), make_teacher(digits), make_teacher(digits, seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first(0).images, again(0).images)
    assert not torch.equal(first(0).images, other(0).images)


@pytest.mark.parametrize("settings", [{}, {"curriculum": "random_fixed"}, {"kind": "distilled_pixels"}])
def test_a_warm_start_makes_the_lesson_resemble_its_classes(digits: Task, settings: dict[str, str]) -> None:
    teacher = make_teacher(digits, warm_start=60, **settings)

    def distance_to_class_means() -> float:
        means = torch.stack([digits.train.images[digits.train.labels == k].mean(0) for k in range(10)])
        lesson = teacher(0)
        return float((lesson.images - means[lesson.targets]).square().mean().detach())

    before = distance_to_class_means()
    teacher.resemble_real_images(digits, seed=0)
    assert distance_to_class_means() < 0.7 * before
