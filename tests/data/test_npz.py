"""A user's own arrays in an ``.npz`` file."""

import zipfile

import numpy as np
import pytest

from gtn_nas.data import read_source
from gtn_nas.errors import UserError

IMAGES = np.random.default_rng(0).random((12, 8, 10))
LABELS = np.arange(12) % 3


@pytest.fixture
def write(tmp_path):
    def save(**arrays):
        path = tmp_path / "own.npz"
        np.savez_compressed(path, **arrays)
        return str(path)

    return save


def test_x_and_y_have_no_test_split(write):
    raw = read_source(write(x=IMAGES, y=LABELS))
    assert raw.x_train.shape == (12, 1, 8, 10)
    assert raw.x_test is None
    assert raw.y_test is None


def test_train_and_test_are_kept_apart(write):
    raw = read_source(write(x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:5], y_test=LABELS[:5]))
    np.testing.assert_array_equal(raw.y_train, LABELS)
    np.testing.assert_array_equal(raw.x_test, IMAGES[:5, None].astype(np.float32))
    np.testing.assert_array_equal(raw.y_test, LABELS[:5])


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"images": IMAGES, "y": LABELS}, r"array 'x' is missing among \['images', 'y'\]"),
        ({"x": IMAGES}, "array 'y' is missing"),
        ({"x_train": IMAGES, "y": LABELS}, "array 'y_train' is missing"),
        ({"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES}, "array 'y_test' is missing"),
        ({"x": IMAGES, "y": LABELS, "y_test": LABELS}, "array 'x_test' is missing"),
        ({"x": IMAGES, "y": np.array([None, "a"] * 6)}, "one holds objects"),
        ({"x": IMAGES, "y": LABELS.astype(str)}, "labels must be numbers"),
        ({"x": IMAGES, "y": LABELS[:3]}, "equally many"),
        (
            {"x": IMAGES, "y": LABELS, "x_test": IMAGES, "y_test": LABELS - 1},
            r"\(x_test\): labels out of range",
        ),
        ({}, "array 'x' is missing"),
    ],
)
def test_wrong_contents_are_refused(write, arrays, sentence):
    path = write(**arrays)
    with pytest.raises(UserError, match=sentence) as caught:
        read_source(path)
    assert path in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no file .*absent\.npz; give the path"):
        read_source(str(tmp_path / "absent.npz"))


def save_single_array(path):
    with path.open("wb") as file:
        np.save(file, IMAGES)


def cut_in_half(path):
    np.savez(path, x=IMAGES, y=LABELS)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_compressed_bytes(path):
    np.savez_compressed(path, x=IMAGES, y=LABELS)
    content = bytearray(path.read_bytes())
    content[200:260] = bytes(60)
    path.write_bytes(content)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_text("x,y\n1,2\n"),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\x80\x04K\x01."),
        save_single_array,
        cut_in_half,
        flip_compressed_bytes,
    ],
    ids=["text", "empty", "pickle", "npy", "truncated", "corrupt"],
)
def test_a_file_that_is_no_npz_is_refused(tmp_path, spoil):
    path = tmp_path / "own.npz"
    spoil(path)
    with pytest.raises(UserError, match=r"is not a readable \.npz file; write it with numpy"):
        read_source(str(path))


def test_a_zip_of_something_else_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "own.npz", "w") as archive:
        archive.writestr("x", "text")
        archive.writestr("y", "text")
    with pytest.raises(UserError, match="images must be numbers"):
        read_source(str(tmp_path / "own.npz"))
