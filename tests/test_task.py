"""Splitting and normalising, on every real data set that is present and on made-up faults."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gtn_nas.data import RawData
from gtn_nas.errors import UserError
from gtn_nas.task import Split, load_task, make_task

SIZES = {
    "digits": (899, 299, 599),
    "mnist": (50_000, 10_000, 10_000),
    "fashion_mnist": (50_000, 10_000, 10_000),
}


def splits(task):
    return task.train, task.validation, task.test


def raw(count=120, classes=3, size=(8, 8), channels=1, seed=0):
    images = np.random.default_rng(seed).random((count, channels, *size), dtype=np.float32)
    return RawData(images, np.arange(count) % classes)


def with_test(**options):
    base = raw()
    other = raw(count=30, seed=1, **options)
    return replace(base, x_test=other.x_train, y_test=other.y_train)


def test_real_sets_are_split_and_normalised_by_the_training_images(real_task):
    assert tuple(map(len, splits(real_task))) == SIZES[real_task.name]
    assert real_task.classes == 10
    assert real_task.train.images.dtype == torch.float32
    assert real_task.train.labels.dtype == torch.int64
    assert real_task.train.images.mean().item() == pytest.approx(0, abs=1e-4)
    assert real_task.train.images.std().item() == pytest.approx(1, abs=1e-4)
    assert 0 < abs(real_task.validation.images.mean().item()) < 0.05
    for split in splits(real_task):
        assert torch.bincount(split.labels, minlength=10).min() > 0.05 * len(split)


def numbered_task(count=1797, **options):
    """A task in whose images the top left pixel is the image's number."""
    data = raw(count, classes=10)
    data.x_train[:, 0, 0, 0] = np.arange(count)
    return make_task("numbered", data, **options)


def numbers(task, split):
    return (split.images[:, 0, 0, 0].double() * task.std[0] + task.mean[0]).round().long().tolist()


def test_splits_are_disjoint_and_cover_everything():
    task = numbered_task()
    assert sorted(n for split in splits(task) for n in numbers(task, split)) == list(range(1797))


def test_splits_are_the_same_each_time():
    one, two = numbered_task(), numbered_task()
    assert [numbers(one, split) for split in splits(one)] == [numbers(two, split) for split in splits(two)]


def test_images_keep_their_labels():
    task = numbered_task()
    for split in splits(task):
        assert [number % 10 for number in numbers(task, split)] == split.labels.tolist()


def test_an_own_test_split_is_left_as_it_is():
    data = with_test()
    task = make_task("own", data)
    assert (len(task.train), len(task.validation)) == (90, 30)
    torch.testing.assert_close(task.test.labels, torch.from_numpy(data.y_test))
    restored = task.test.images.double() * task.std[0] + task.mean[0]
    torch.testing.assert_close(restored.float(), torch.from_numpy(data.x_test), atol=1e-6, rtol=0)


def test_channels_are_normalised_each_by_its_own_statistics():
    data = raw(channels=3)
    data.x_train[:, 1] *= 7
    images = make_task("colour", data).train.images
    torch.testing.assert_close(images.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(images.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-5, rtol=0)


def test_train_limit_shortens_training_alone(digits):
    limited = load_task("digits", train_limit=100)
    assert tuple(map(len, splits(limited))) == (100, 299, 599)
    assert limited.validation.labels.tolist() == digits.validation.labels.tolist()
    assert limited.train.labels.tolist() == digits.train.labels[:100].tolist()
    assert limited.train.images.mean().item() == pytest.approx(0, abs=1e-5)
    assert limited.fingerprint != digits.fingerprint


@pytest.mark.parametrize("limit", [0, -3])
def test_train_limit_must_leave_an_image(limit):
    with pytest.raises(UserError, match=f"train_limit must be at least 1, but is {limit}"):
        make_task("few", raw(), train_limit=limit)


def test_the_fingerprint_is_the_same_in_another_process(digits, run_python):
    code = "from gtn_nas.task import load_task; print(load_task('digits').fingerprint)"
    assert run_python(code) == digits.fingerprint


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_the_fingerprint_sees_one_label_and_one_pixel(digits, part):
    split = getattr(digits, part)
    label = split.labels.clone()
    label[7] = (label[7] + 1) % 10
    pixel = split.images.clone()
    pixel[7, 0, 3, 3] += 0.1
    for changed in (Split(split.images, label), Split(pixel, split.labels)):
        assert replace(digits, **{part: changed}).fingerprint != digits.fingerprint


def test_the_fingerprint_sees_the_split(digits):
    assert replace(digits, train=digits.validation, validation=digits.train).fingerprint != digits.fingerprint


def test_the_fingerprint_does_not_see_the_name(digits):
    assert replace(digits, name="renamed").fingerprint == digits.fingerprint


def test_to_moves_every_split(digits):
    moved = digits.to(torch.device("meta"))
    assert all(split.images.is_meta and split.labels.is_meta for split in splits(moved))
    assert not digits.train.images.is_meta
    assert (moved.classes, moved.image_shape) == (10, (1, 8, 8))


def test_load_task_names_the_task_and_puts_it_on_a_device(tmp_path):
    data = raw()
    np.savez(tmp_path / "own.npz", x=data.x_train, y=data.y_train)
    task = load_task(str(tmp_path / "own.npz"), device=torch.device("meta"))
    assert task.name == "own"
    assert task.train.images.is_meta


def test_sample_draws_without_replacement(digits):
    split = Split(torch.arange(20.0), torch.arange(20))
    _, labels = split.sample(8, torch.Generator().manual_seed(0))
    assert len(set(labels.tolist())) == 8
    images, labels = split.sample(99, torch.Generator().manual_seed(0))
    assert sorted(labels.tolist()) == list(range(20))
    torch.testing.assert_close(images, labels.float())


def label_gap():
    data = raw(classes=4)
    data.y_train[data.y_train == 2] = 3
    return data


def one_huge_label(part):
    data = with_test()
    getattr(data, part)[5] = 10**12  # a table of that many classes would not fit into memory
    return data


def rare_class():
    data = raw(classes=2)
    data.y_train[0] = 2
    return data


def constant_images():
    data = raw()
    data.x_train[:] = 0.5
    return data


def constant_channel():
    data = raw(channels=3)
    data.x_train[:, 1] = 0
    return data


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: raw(classes=1), "at least 2 classes"),
        (label_gap, "class 2 is empty; classes must be numbered 0 to 3 without gaps"),
        (lambda: one_huge_label("y_train"), "class 3 is empty; classes must be numbered 0 to 1000000000000"),
        (lambda: one_huge_label("y_test"), "test labels out of range: .* but one is 1000000000000; renumber"),
        (rare_class, "class 2 has no image in the (train|validation) split; give more"),
        (lambda: raw(count=2, classes=2), "the test split is empty"),
        (lambda: raw(count=5, classes=2), "has no image in the validation split"),
        (lambda: with_test(classes=4), "test labels out of range: they must be below 3 .* but one is 3"),
        (lambda: with_test(size=(8, 9)), r"one shape, but have \[1, 8, 8\] and \[1, 8, 9\]; resize"),
        (lambda: with_test(channels=3), r"one shape, but have \[1, 8, 8\] and \[3, 8, 8\]"),
        (lambda: raw(size=(7, 8)), "between 8×8 and 64×64, but are 7×8; resize"),
        (lambda: raw(size=(8, 65)), "between 8×8 and 64×64, but are 8×65; resize"),
        (constant_images, "training images are constant"),
        (constant_channel, "training images are constant"),
    ],
)
def test_data_unfit_for_classification_are_refused(build, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        make_task("mine", build())
    assert str(caught.value).startswith("mine: ")
    assert str(caught.value).endswith(".")
