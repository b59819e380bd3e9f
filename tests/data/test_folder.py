"""A folder of images, one sub-folder per class."""

import numpy as np
import pytest
from PIL import Image

from gtn_nas.data import read_source
from gtn_nas.errors import UserError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (8, 10), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (8, 10, 3), dtype=np.uint8)


def fill(root, pixels, classes=("cat", "dog"), count=2, suffix="png"):
    for name in classes:
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.fromarray(pixels).save(root / name / f"{number}.{suffix}")


def test_flat_layout_numbers_classes_alphabetically(tmp_path):
    fill(tmp_path, GREY, classes=("dog", "cat", ".hidden"))
    Image.fromarray(255 - GREY).save(tmp_path / "cat" / "9.png")
    (tmp_path / "cat" / "notes.txt").write_text("not an image")
    raw = read_source(str(tmp_path))
    assert raw.y_train.tolist() == [0, 0, 0, 1, 1]
    np.testing.assert_array_equal(raw.x_train[2, 0], (255 - GREY).astype(np.float32) / np.float32(255))
    assert raw.x_test is None


def test_train_and_test_layout(tmp_path):
    fill(tmp_path / "train", COLOUR, count=3)
    fill(tmp_path / "test", COLOUR, count=1)
    raw = read_source(str(tmp_path))
    assert raw.x_train.shape == (6, 3, 8, 10)
    assert raw.x_test.shape == (2, 3, 8, 10)
    assert raw.y_test.tolist() == [0, 1]
    np.testing.assert_allclose(raw.x_train[0], COLOUR.transpose(2, 0, 1) / 255, rtol=1e-6)


def test_a_train_folder_alone_has_no_test_split(tmp_path):
    fill(tmp_path / "train", GREY)
    assert read_source(str(tmp_path)).x_test is None


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bit_grey_keeps_its_range(tmp_path, suffix):
    fill(tmp_path, GREY.astype(np.uint16) * 257, suffix=suffix)
    np.testing.assert_allclose(read_source(str(tmp_path)).x_train[0, 0], GREY / 255, rtol=1e-6)


@pytest.mark.parametrize("mode", ["P", "RGBA", "CMYK"])
def test_other_colour_modes_become_rgb(tmp_path, mode):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.fromarray(COLOUR).convert(mode).save(tmp_path / name / "0.tif")
    assert read_source(str(tmp_path)).x_train.shape == (2, 3, 8, 10)


def test_a_folder_may_be_named_like_a_size(tmp_path):
    root = tmp_path / "data@2024"
    fill(root, np.kron(GREY, np.ones((2, 2), np.uint8)))
    assert read_source(str(root)).x_train.shape == (4, 1, 16, 20)
    assert read_source(f"{root}@8").x_train.shape == (4, 1, 8, 8)


def no_class(root):
    pass


def one_class(root):
    fill(root, GREY, classes=("cat",))


def empty_class(root):
    fill(root, GREY)
    (root / "eel").mkdir()


def unreadable_file(root):
    fill(root, GREY)
    (root / "dog" / "9.png").write_text("no image")


def truncated_file(root):
    noise = RNG.integers(0, 256, (64, 64), dtype=np.uint8)
    fill(root, noise)
    path = root / "dog" / "1.png"
    path.write_bytes(path.read_bytes()[:2000])


def integers_of_32_bits(root):
    fill(root, GREY.astype(np.int32), suffix="tif")


def floats(root):
    fill(root, GREY.astype(np.float32) / 255, suffix="tif")


def too_large(root):
    fill(root, GREY)
    (root / "dog" / "9.pgm").write_bytes(b"P5 60000 60000 255\n")


def two_sizes(root):
    fill(root, GREY)
    Image.fromarray(GREY[:7]).save(root / "dog" / "9.png")


def grey_among_colour(root):
    fill(root, COLOUR)
    Image.fromarray(GREY).save(root / "dog" / "9.png")


def other_test_classes(root):
    fill(root / "train", GREY)
    fill(root / "test", GREY, classes=("cat", "eel"))


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (no_class, "at least 2 class folders, but has 0"),
        (one_class, "at least 2 class folders, but has 1"),
        (empty_class, "class 'eel' is empty; add images"),
        (unreadable_file, r"9\.png is not a readable image; repair or remove it"),
        (truncated_file, r"1\.png is not a readable image; repair or remove it"),
        (integers_of_32_bits, r"0\.tif: pixels must have 8 or 16 bits, but have 32; save it with 8"),
        (floats, r"0\.tif: pixels must have 8 or 16 bits, but have 32; save it with 8"),
        (too_large, r"9\.pgm has more pixels than Pillow reads; make it smaller or remove it"),
        (two_sizes, r"this one is \[7, 10\] and the first \[8, 10\]; resize them"),
        (grey_among_colour, "one size and colour mode"),
        (other_test_classes, "train and test must have the same class folders"),
    ],
)
def test_a_wrong_tree_is_refused(tmp_path, build, sentence):
    build(tmp_path)
    with pytest.raises(UserError, match=sentence):
        read_source(str(tmp_path))
