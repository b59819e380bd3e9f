"""Data sets by name: the digits, torchvision's sets, and what is none of them."""

from urllib.error import URLError

import numpy as np
import pytest

from gtn_nas.data import SOURCES, read_source
from gtn_nas.data.torchvision_ops import import_torchvision
from gtn_nas.data.torchvision_sets import TORCHVISION_SETS, data_folder
from gtn_nas.errors import UserError


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """An empty data folder, and no network."""
    import_torchvision("datasets")

    def refuse(*args, **kwargs):
        raise URLError("no network")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("torchvision.datasets.utils._urlretrieve", refuse)
    monkeypatch.setenv("GTN_NAS_DATA", str(tmp_path))
    return tmp_path


def test_digits_are_real_images_between_0_and_1():
    raw = read_source("digits")
    assert raw.x_train.shape == (1797, 1, 8, 8)
    assert raw.x_train.dtype == np.float32
    assert (raw.x_train.min(), raw.x_train.max()) == (0, 1)
    assert np.bincount(raw.y_train).min() > 170
    assert raw.x_test is None


@pytest.mark.parametrize(("name", "first_labels"), [("mnist", [5, 0, 4, 1]), ("fashion_mnist", [9, 0, 0, 3])])
def test_torchvision_sets_come_from_the_data_folder(monkeypatch, mnist_root, name, first_labels):
    monkeypatch.setenv("GTN_NAS_DATA", str(mnist_root))
    raw = read_source(name)
    assert raw.x_train.shape == (60_000, 1, 28, 28)
    assert raw.x_test.shape == (10_000, 1, 28, 28)
    assert (raw.x_train.min(), raw.x_train.max()) == (0, 1)
    assert raw.y_train[:4].tolist() == first_labels


def test_a_set_may_lie_in_the_data_folder_as_arrays(offline):
    images = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(20) % 10
    np.savez(offline / "cifar10.npz", x_train=images, y_train=labels, x_test=images[:10], y_test=labels[:10])
    raw = read_source("cifar10")
    assert raw.x_train.shape == (20, 3, 32, 32)
    assert raw.x_test.shape == (10, 3, 32, 32)
    assert raw.y_train.tolist() == labels.tolist()
    assert read_source("cifar10@16").x_train.shape == (20, 3, 16, 16)


@pytest.mark.parametrize("name", TORCHVISION_SETS)
def test_missing_data_says_what_to_place_where(offline, name):
    with pytest.raises(UserError) as caught:
        read_source(name)
    message = str(caught.value)
    assert f"{name!r} is missing or damaged in {offline}" in message
    assert "not found" in message
    assert "cannot be downloaded (" in message
    assert f"place {TORCHVISION_SETS[name][1]} or {name}.npz there" in message
    assert "GTN_NAS_DATA" in message
    assert "\n" not in message


def test_a_fault_of_reading_is_told_beside_the_one_of_downloading(offline, monkeypatch):
    def damaged(root, train, download):
        raise (URLError("no network") if download else EOFError("ends after 40 bytes\nof 100"))

    monkeypatch.setattr("torchvision.datasets.MNIST", damaged)
    with pytest.raises(
        UserError, match=r"\(ends after 40 bytes\) and cannot be downloaded \(<urlopen error no network>\)"
    ):
        read_source("mnist")


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"\x00\x00\x08\x03" + b"\x00\x00\x00\x02" * 3 + b"abc"])
def test_damaged_files_are_refused(offline, content):
    raw = offline / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for split in ("train", "t10k"):
        (raw / f"{split}-images-idx3-ubyte").write_bytes(content)
        (raw / f"{split}-labels-idx1-ubyte").write_bytes(content)
    with pytest.raises(UserError, match="missing or damaged"):
        read_source("mnist")


def test_the_data_folder_is_the_cache_unless_named(monkeypatch):
    monkeypatch.delenv("GTN_NAS_DATA", raising=False)
    assert data_folder().parts[-2:] == ("gtn-nas", "data")
    monkeypatch.setenv("GTN_NAS_DATA", "elsewhere")
    assert str(data_folder()) == "elsewhere"


@pytest.mark.parametrize("source", ["minst", "no/such/folder", "data.npy"])
def test_an_unknown_source_names_the_known_ones(source):
    with pytest.raises(UserError, match="unknown data set") as caught:
        read_source(source)
    assert all(name in str(caught.value) for name in SOURCES)
