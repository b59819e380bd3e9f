"""Smaller images of a data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gtn_nas.data import read_source, split_size
from gtn_nas.errors import UserError
from gtn_nas.task import load_task


@pytest.fixture
def npz(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    path = tmp_path / "things.npz"
    images = rng.integers(0, 256, size=(60, 32, 32, 3), dtype=np.uint8)
    np.savez(path, x_train=images, y_train=np.arange(60) % 3, x_test=images[:6], y_test=np.arange(6) % 3)
    return str(path)


def test_the_size_stands_behind_the_name() -> None:
    assert split_size("cifar10@16") == ("cifar10", 16)
    assert split_size("some@where/x.npz@8") == ("some@where/x.npz", 8)
    assert split_size("some@where/x.npz") == ("some@where/x.npz", None)


def test_a_path_of_the_whole_name_is_that_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert split_size("data@2024") == ("data", 2024)
    for name in ("data@2024", "digits@8"):
        (tmp_path / name).mkdir()
    assert split_size("data@2024") == ("data@2024", None)
    assert split_size("digits@8") == ("digits", 8)  # a set's own name means the set, whatever lies here


def test_each_pixel_is_the_mean_of_its_area(npz: str) -> None:
    whole, small = read_source(npz), read_source(f"{npz}@16")
    assert small.x_train.shape == (60, 3, 16, 16)
    assert small.x_test is not None
    assert small.x_test.shape == (6, 3, 16, 16)
    assert np.allclose(small.x_train, whole.x_train.reshape(60, 3, 16, 2, 16, 2).mean(axis=(3, 5)), atol=1e-6)
    assert np.array_equal(small.y_train, whole.y_train)


def test_a_task_says_its_size(npz: str) -> None:
    task = load_task(f"{npz}@16")
    assert (task.name, task.image_shape, task.source) == ("things@16", (3, 16, 16), f"{npz}@16")
    assert load_task(npz).fingerprint != task.fingerprint


def test_images_are_not_made_larger(npz: str) -> None:
    with pytest.raises(UserError, match="can only be made smaller, and are 32×32"):
        read_source(f"{npz}@64")
    with pytest.raises(UserError, match="can only be made smaller"):
        read_source(f"{npz}@0")
