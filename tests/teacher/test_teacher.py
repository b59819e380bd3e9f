"""Generator, schedule and lesson."""

from __future__ import annotations

import pytest
import torch

from gtn_nas.meta import inner_optimiser
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.generator import Generator
from gtn_nas.teacher.schedule import Schedule
from gtn_nas.teacher.teacher import Teacher, fit_to_real_images

CONFIG = TeacherConfig(steps=3, batch_size=20, latent=8, width=8)


def make_teacher(task: Task, seed: int = 0) -> Teacher:
    return Teacher(CONFIG, task, inner_optimiser("adam").hyperparameters, seed)


@pytest.mark.parametrize("image_shape", [(1, 8, 8), (3, 32, 32), (1, 28, 28), (3, 9, 14)])
def test_generator_makes_any_size(image_shape: tuple[int, int, int]) -> None:
    channels = image_shape[0]
    generator = Generator(5, 7, image_shape, 8, [-1.0] * channels, [2.0] * channels)
    images = generator(100 * torch.randn(6, 5), torch.arange(6))
    assert images.shape == (6, *image_shape)
    assert images.min() >= 0.5 - 1.25 * 1.5
    assert images.max() <= 0.5 + 1.25 * 1.5


def test_lesson_has_the_configured_shape_and_balanced_labels(digits: Task) -> None:
    lesson = make_teacher(digits)()
    assert lesson.images.shape == (3, 20, 1, 8, 8)
    assert lesson.targets.shape == (3, 20)
    assert torch.bincount(lesson.targets.flatten()).tolist() == [6] * 10
    assert all(values.shape == (3,) for values in lesson.hyper.values())
    assert set(lesson.hyper) == {"lr", "beta1", "beta2"}


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
    assert torch.equal(first().images, again().images)
    assert not torch.equal(first().images, other().images)


def test_fitting_to_real_images_makes_the_lesson_resemble_its_classes(digits: Task) -> None:
    teacher = make_teacher(digits)

    def distance_to_class_means() -> float:
        means = torch.stack([digits.train.images[digits.train.labels == k].mean(0) for k in range(10)])
        images, labels = teacher().images.flatten(0, 1), teacher.labels
        return float((images - means[labels]).square().mean().detach())

    before = distance_to_class_means()
    error = fit_to_real_images(teacher, digits, 60, seed=0)
    assert error < 0.6
    assert distance_to_class_means() < 0.7 * before
