"""What one learner may say to the teacher."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from gtn_nas.meta.exam import MetaGradient
from gtn_nas.meta.flow import flow_back
from gtn_nas.teacher.lesson import Lesson


def learned() -> tuple[list[Tensor], Lesson]:
    """Return parameters and a lesson of theirs: images are thrice the first, rates the second's exponential."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn(2, 3, 1, 2, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    logs = torch.randn(2, generator=generator, dtype=torch.float64, requires_grad=True)
    return [pixels, logs], Lesson(3 * pixels, torch.zeros(2, 3, dtype=torch.long), {"lr": logs.exp()})


def found_by(lesson: Lesson, size: float) -> MetaGradient:
    ones = torch.ones_like
    return MetaGradient(1.0, 0.5, size * ones(lesson.images), {"lr": size * ones(lesson.hyper["lr"])})


def test_the_chain_rule() -> None:
    (pixels, logs), lesson = learned()
    of_pixels, of_logs = flow_back(lesson, found_by(lesson, 1.0), [pixels, logs])
    torch.testing.assert_close(of_pixels, torch.full_like(pixels, 3.0))
    torch.testing.assert_close(of_logs, logs.exp())


@pytest.mark.parametrize("size", [1.0, 3000.0])
def test_a_large_gradient_is_bounded_and_keeps_its_direction(size: float) -> None:
    parameters, lesson = learned()
    free = flow_back(lesson, found_by(lesson, size), parameters)
    bounded = flow_back(lesson, found_by(lesson, size), parameters, largest=0.01)
    assert float(torch.nn.utils.get_total_norm(bounded)) == pytest.approx(0.01, rel=1e-5)
    flat, short = (torch.cat([part.flatten() for part in parts]) for parts in (free, bounded))
    assert float(torch.nn.functional.cosine_similarity(flat, short, dim=0)) == pytest.approx(1)


def test_a_small_gradient_stays() -> None:
    parameters, lesson = learned()
    found = found_by(lesson, 1e-3)
    torch.testing.assert_close(flow_back(lesson, found, parameters, 1.0), flow_back(lesson, found, parameters))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_counts_for_nothing(value: float) -> None:
    parameters, lesson = learned()
    found = found_by(lesson, 1.0)
    found = replace(found, hyper={"lr": torch.full_like(found.hyper["lr"], value)})
    assert all(not part.any() for part in flow_back(lesson, found, parameters))
