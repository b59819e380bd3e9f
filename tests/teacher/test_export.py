"""A teacher taken away: the same lesson, in plain arrays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from gtn_nas.errors import UserError
from gtn_nas.teacher.export import export_teacher
from gtn_nas.teacher.frozen import FrozenTeacher, load_teacher, save_teacher


def test_npz_holds_plain_arrays(tiny_teacher: FrozenTeacher, tmp_path: Path) -> None:
    export_teacher(tiny_teacher, "npz", tmp_path / "new" / "lesson.npz")
    arrays = np.load(tmp_path / "new" / "lesson.npz", allow_pickle=False)
    lesson = tiny_teacher.lesson
    assert np.array_equal(arrays["images"], lesson.images.numpy())
    assert np.array_equal(arrays["targets"], lesson.targets.numpy())
    for name, values in lesson.hyper.items():
        assert np.array_equal(arrays[name], values.numpy())


def test_safetensors_say_whose_they_are(tiny_teacher: FrozenTeacher, tmp_path: Path) -> None:
    export_teacher(tiny_teacher, "safetensors", tmp_path / "lesson.safetensors")
    with safe_open(tmp_path / "lesson.safetensors", "pt") as file:
        assert torch.equal(file.get_tensor("images"), tiny_teacher.lesson.images)
        assert file.metadata()["fingerprint"] == tiny_teacher.fingerprint
        assert json.loads(file.metadata()["config"])["inner"] == tiny_teacher.config.inner


def test_a_folder_with_bytes_for_pixels_is_a_teacher(tiny_teacher: FrozenTeacher, tmp_path: Path) -> None:
    save_teacher(tiny_teacher, tmp_path / "whole")
    export_teacher(tiny_teacher, "folder", tmp_path / "small")
    small = load_teacher(tmp_path / "small")
    images = tiny_teacher.lesson.images
    levels = float(images.max() - images.min()) / 255
    assert (small.lesson.images - images).abs().max() <= 0.51 * levels
    sizes = [(tmp_path / name / "lesson.safetensors").stat().st_size for name in ("small", "whole")]
    assert sizes[0] < 0.4 * sizes[1]
    save_teacher(small, tmp_path / "again")
    export_teacher(small, "folder", tmp_path / "once more")
    for name in ("again", "once more"):
        assert load_teacher(tmp_path / name).fingerprint == small.fingerprint


def test_what_is_there_is_left_alone(tiny_teacher: FrozenTeacher, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(UserError, match="already exists; remove it or give another --out"):
        export_teacher(tiny_teacher, "npz", tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"
