"""Principal axes of real images."""

from __future__ import annotations

from dataclasses import replace

import torch

from gtn_nas.task import Task
from gtn_nas.teacher.principal import PrincipalAxes


def test_coordinates_of_real_images_are_white_and_lead_back(digits: Task) -> None:
    axes, images = PrincipalAxes(digits), digits.train.images
    found = axes.inverse(images)
    assert torch.allclose(axes(found), images, atol=1e-4)
    long = axes.axes.norm(dim=1) ** 2 > 0.01  # some pixels of digits are always black
    assert long.sum() > 30
    assert torch.allclose(torch.cov(found[:, long].T, correction=0), torch.eye(int(long.sum())), atol=0.05)
    assert torch.equal(axes.axes, PrincipalAxes(digits).axes)


def test_fewer_images_than_pixels_span_what_they_can(digits: Task) -> None:
    few = replace(digits, train=digits.train.head(20))
    axes = PrincipalAxes(few)
    assert axes.count == 19
    assert torch.allclose(axes(axes.inverse(few.train.images)), few.train.images, atol=1e-4)
    others = digits.train.images[20:]
    projected = axes(axes.inverse(others))
    assert torch.allclose(axes(axes.inverse(projected)), projected, atol=1e-4)
    assert 0.1 < float((projected - others).square().mean()) < float(others.var())
