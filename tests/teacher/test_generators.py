"""Generators make images of any size; the published ones have the published sizes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gtn_nas.task import Split, Task
from gtn_nas.teacher.generators import GENERATORS, PixelRange, SuchGenerator


def task_of(image_shape: tuple[int, int, int], digits: Task) -> Task:
    channels = image_shape[0]
    images = torch.zeros(10, *image_shape)
    split = Split(images, torch.arange(10))
    return replace(digits, train=split, mean=(0.25,) * channels, std=(0.5,) * channels)


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("image_shape", [(1, 8, 8), (3, 12, 12), (3, 9, 14)])
def test_any_size(name: str, image_shape: tuple[int, int, int], digits: Task) -> None:
    generator = GENERATORS[name](5, 8, task_of(image_shape, digits))
    images = generator(100 * torch.randn(6, 5), torch.arange(6))
    assert images.shape == (6, *image_shape)
    reach = {"sized": 1.25 * 1.0, "such": 2.0, "goodai": 1.0}[name]
    centre = 0.5 if name == "sized" else 0.0
    assert (images - centre).abs().max() <= reach + 1e-6
    images.square().sum().backward()
    assert all(p.grad is not None for p in generator.parameters())


@pytest.mark.parametrize(("shape", "count"), [((1, 28, 28), 6_660_226), ((3, 32, 32), 8_633_222)])
def test_the_published_generator_has_the_published_size(shape: tuple[int, int, int], count: int, digits: Task) -> None:
    generator = SuchGenerator(128, 0, task_of(shape, digits))
    assert sum(p.numel() for p in generator.parameters()) == count


def test_goodais_generator_has_its_size(digits: Task) -> None:
    with torch.device("meta"):
        generator = GENERATORS["goodai"](64, 0, task_of((1, 28, 28), digits))
    assert round(sum(p.numel() for p in generator.parameters()) / 1e6) == 103


def test_classes_make_a_difference(digits: Task) -> None:
    for make in GENERATORS.values():
        generator = make(5, 8, task_of((1, 8, 8), digits))
        latents = torch.randn(1, 5).expand(4, 5)
        first, second, third, _ = generator(latents, torch.tensor([0, 1, 0, 2]))
        assert torch.allclose(first, third, atol=1e-5)
        assert not torch.allclose(first, second, atol=1e-3)


def test_the_range_of_pixels_can_be_inverted(digits: Task) -> None:
    within = PixelRange(digits)
    assert torch.allclose(within(within.inverse(digits.train.images[:5])), digits.train.images[:5], atol=1e-4)
