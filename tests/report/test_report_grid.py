from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from gtn_nas.report import teacher_grid


def grid(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(teacher_grid(images, labels))))


@pytest.mark.parametrize(
    ("steps", "positions", "side", "rows", "columns", "pitch"),
    [(4, 5, 8, 4, 5, 48 + 6), (40, 64, 28, 16, 24, 56 + 6), (1, 1, 64, 1, 1, 64 + 6)],
)
def test_one_tile_for_each_shown_image(
    steps: int, positions: int, side: int, rows: int, columns: int, pitch: int
) -> None:
    labels = np.tile(np.arange(positions), (steps, 1))
    drawn = grid(np.zeros((steps, positions, 1, side, side)), labels)
    assert drawn.shape == (30 + rows * pitch, 150 + columns * pitch, 4)


def test_pixels_are_clipped_and_stand_where_they_belong() -> None:
    images = np.zeros((2, 3, 3, 8, 8))
    images[1, 2, 0] = 7.0  # the last tile is red
    images[0, 0] = np.nan
    drawn = grid(images, np.zeros((2, 3), dtype=int))
    tile = drawn[30 + 54 : 30 + 54 + 48, 150 + 108 : 150 + 108 + 48]
    assert (tile == [255, 0, 0, 255]).all()
    assert (drawn[30 : 30 + 48, 150 : 150 + 48] == [0, 0, 0, 255]).all()
    assert (drawn[30 + 48 : 30 + 54, 150:, 3] == 0).all()


def test_labels_that_change_from_step_to_step_stand_in_the_tiles() -> None:
    images, labels = np.full((2, 3, 1, 8, 8), 0.5), np.array([[0, 1, 2], [2, 1, 0]])
    shared, changing = grid(images, labels[[0, 0]]), grid(images, labels)
    assert shared[:30, 150:, 3].any()
    assert not changing[:30, 150:, 3].any()
    assert (changing[30:48, 150:198] != shared[30:48, 150:198]).any()
