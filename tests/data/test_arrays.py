"""The checks that every array source goes through."""

import numpy as np
import pytest

from gtn_nas.data.arrays import check_images_and_labels
from gtn_nas.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 9, 8), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])
COLOUR = np.random.default_rng(1).integers(0, 256, (6, 9, 8, 3), dtype=np.uint8)


def pixel(value: float) -> np.ndarray:
    images = np.zeros(IMAGES.shape)
    images[1, 2, 3] = value
    return images


def label(value: float) -> np.ndarray:
    labels = LABELS.astype(float)
    labels[1] = value
    return labels


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (IMAGES, IMAGES[:, None]),
        (IMAGES[..., None], IMAGES[:, None]),
        (IMAGES[:, None], IMAGES[:, None]),
        (COLOUR, COLOUR.transpose(0, 3, 1, 2)),
        (COLOUR.transpose(0, 3, 1, 2), COLOUR.transpose(0, 3, 1, 2)),
    ],
    ids=["NHW", "NHW1", "N1HW", "NHW3", "N3HW"],
)
def test_every_layout_becomes_channels_first(images, expected):
    found, _ = check_images_and_labels(images, LABELS, "x")
    np.testing.assert_array_equal(found, expected.astype(np.float32) / 255)
    assert found.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint16])
def test_integer_images_count_to_255(dtype):
    found, _ = check_images_and_labels(np.full((2, 8, 8), 51, dtype), LABELS[:2], "x")
    np.testing.assert_allclose(found, 0.2)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_float_images_are_taken_as_they_are(dtype):
    found, _ = check_images_and_labels(np.full((2, 8, 8), 0.5, dtype), LABELS[:2], "x")
    np.testing.assert_array_equal(found, 0.5)


@pytest.mark.parametrize("value", [1 + 5e-7, -5e-7, 1.0])
def test_floats_may_miss_the_range_by_a_rounding_error(value):
    found, _ = check_images_and_labels(pixel(value), LABELS, "x")
    assert found[1, 0, 2, 3] == np.float32(value)


def test_truth_values_are_pixels():
    found, _ = check_images_and_labels(IMAGES > 100, LABELS, "x")
    np.testing.assert_array_equal(found[:, 0], IMAGES > 100)


@pytest.mark.parametrize("labels", [LABELS[:, None], LABELS.astype(float), LABELS.astype(np.uint64)])
def test_labels_become_int64_of_one_axis(labels):
    _, found = check_images_and_labels(IMAGES, labels, "x")
    np.testing.assert_array_equal(found, LABELS)
    assert found.dtype == np.int64


@pytest.mark.parametrize(
    ("images", "labels", "sentence"),
    [
        (IMAGES.astype(str), LABELS, "images must be numbers"),
        (IMAGES, LABELS.astype(str), "labels must be numbers"),
        (IMAGES.astype(object), LABELS, "images must be numbers"),
        (IMAGES + 1j, LABELS, "images must be real numbers"),
        (IMAGES, LABELS + 0j, "labels must be real numbers"),
        (np.uint8(3), LABELS, "images must have shape"),
        (IMAGES[0, 0], LABELS, "images must have shape"),
        (IMAGES.reshape(6, -1), LABELS, "images must have shape"),
        (COLOUR[..., :2], LABELS, "images must have shape"),
        (COLOUR[..., None], LABELS, "images must have shape"),
        (IMAGES, np.int64(3), "labels must have shape"),
        (IMAGES, np.eye(6), "labels must have shape"),
        (IMAGES[:5], LABELS, "equally many, but there are 5 and 6"),
        (IMAGES[:0], LABELS[:0], "at least one image"),
        (pixel(np.nan), LABELS, "images must be finite"),
        (pixel(np.inf), LABELS, "images must be finite"),
        (pixel(1e300), LABELS, "images must be finite"),
        (IMAGES.astype(np.float32), LABELS, "float pixels must lie within 0 to 1, but range from 0 to 255; divide"),
        (pixel(-0.5), LABELS, "float pixels must lie within 0 to 1, but range from -0.5 to 0; divide"),
        (pixel(1.00001), LABELS, "float pixels must lie within 0 to 1, but range from 0 to 1.00001; divide"),
        (IMAGES.astype(np.uint16) * 257, LABELS, "integer pixels must lie within 0 to 255, but range from .* to 65535"),
        (IMAGES.astype(np.int16) - 128, LABELS, "integer pixels must lie within 0 to 255, but range from -128 to 127"),
        (pixel(256).astype(np.int64), LABELS, "integer pixels must lie within 0 to 255, but range from 0 to 256"),
        (IMAGES, label(-1), "labels out of range"),
        (IMAGES, label(0.5), "labels out of range"),
        (IMAGES, label(np.nan), "labels out of range"),
        (IMAGES, label(1e300), "labels out of range"),
        (IMAGES, np.array([0, 1, 2, 0, 1, 2**64 - 1], dtype=np.uint64), "labels out of range"),
    ],
)
def test_unsound_arrays_are_refused_in_one_sentence(images, labels, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        check_images_and_labels(np.asarray(images), np.asarray(labels), "my.npz (x)")
    message = str(caught.value)
    assert message.startswith("my.npz (x): ")
    assert message.endswith(".")
    assert "\n" not in message
