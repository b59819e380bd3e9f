"""A task: a real data set made ready for training, validation and test."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gtn_nas.data import RawData, read_source, split_size
from gtn_nas.errors import UserError

__all__ = ["Split", "Task", "balanced_images", "load_task", "make_task"]

_SPLIT_SEED = 1


@dataclass(frozen=True)
class Split:
    """Images ``[N, C, H, W]`` (normalised float32) and labels ``[N]`` (int64), on one device."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def sample(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw ``count`` images without replacement (all of them when there are fewer)."""
        index = torch.randperm(len(self), generator=generator)[:count].to(self.labels.device)
        return self.images[index], self.labels[index]

    def head(self, count: int) -> Split:
        """Return the first ``count`` images (all of them when there are fewer); splits are in random order."""
        return Split(self.images[:count], self.labels[:count])

    def to(self, device: torch.device) -> Split:
        """Return the split on ``device``."""
        return Split(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Task:
    """Train, validation and test splits of one data set, normalised by the training images' statistics.

    Validation serves every choice; test is for truth tables, verification and final training alone.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    source: str = ""
    train_limit: int | None = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all images, labels and the split: the same data give the same fingerprint anywhere."""
        digest = hashlib.sha256(repr((self.classes, self.image_shape)).encode())
        for split in (self.train, self.validation, self.test):
            digest.update(split.labels.cpu().numpy().astype(np.int64).tobytes())
            # Rounded: the last bits of a mean differ between machines.
            digest.update((split.images * 64).round().clamp(-32768, 32767).to(torch.int16).cpu().numpy().tobytes())
        return digest.hexdigest()[:16]

    def __deepcopy__(self, memo: dict[int, object]) -> Task:
        return self  # nobody changes it, and it is large

    def to(self, device: torch.device) -> Task:
        """Return the task with all tensors on ``device``."""
        return replace(
            self,
            train=self.train.to(device),
            validation=self.validation.to(device),
            test=self.test.to(device),
        )


def balanced_images(task: Task, count: int, rng: torch.Generator) -> Tensor:
    """Draw numbers of training images ``[count]`` whose classes run 0, 1, 2, … in turn; repeats only of need."""
    labels, wanted = task.train.labels.cpu(), torch.arange(count) % task.classes
    chosen = torch.empty(count, dtype=torch.int64)
    for number in range(task.classes):
        places = (wanted == number).nonzero()[:, 0]
        mine = (labels == number).nonzero()[:, 0]
        rounds = -(-len(places) // len(mine))
        order = torch.cat([mine[torch.randperm(len(mine), generator=rng)] for _ in range(max(1, rounds))])
        chosen[places] = order[: len(places)]
    return chosen


def load_task(source: str, device: torch.device | None = None, train_limit: int | None = None) -> Task:
    """Read a data set (see :func:`gtn_nas.data.read_source`) and split and normalise it.

    Raises:
        UserError: the source cannot be read or is not fit for classification.
    """
    plain, size = split_size(source)
    name = Path(plain).stem if plain.endswith(".npz") else Path(plain).name
    name += "" if size is None else f"@{size}"
    task = replace(
        make_task(name, read_source(source), train_limit=train_limit), source=source, train_limit=train_limit
    )
    return task.to(device) if device is not None else task


def make_task(name: str, raw: RawData, train_limit: int | None = None) -> Task:
    """Split and normalise ``raw`` with a fixed seed.

    A third of the images becomes the test split where the source has none; a quarter of the rest up to 3,000
    images, a sixth above (MNIST: 50,000 / 10,000 / 10,000), becomes the validation split.

    Raises:
        UserError: fewer than two classes, a class without images in some split, test labels or shapes that
            do not fit the training ones, or images outside 8×8 to 64×64.
    """
    if train_limit is not None and train_limit < 1:
        raise UserError(f"{name}: train_limit must be at least 1, but is {train_limit}; raise it or leave it out.")
    x_train, y_train = raw.x_train, raw.y_train
    shuffled = np.random.default_rng(_SPLIT_SEED).permutation(len(y_train))
    x_train, y_train = x_train[shuffled], y_train[shuffled]
    if raw.x_test is not None and raw.y_test is not None:
        x_test, y_test = raw.x_test, raw.y_test
    else:
        third = len(y_train) // 3
        x_test, y_test, x_train, y_train = x_train[:third], y_train[:third], x_train[third:], y_train[third:]
    _check_classes(name, y_train, y_test)
    if x_test.shape[1:] != x_train.shape[1:]:
        raise UserError(
            f"{name}: train and test images must have one shape, but have {list(x_train.shape[1:])} "
            f"and {list(x_test.shape[1:])}; resize them."
        )
    height, width = x_train.shape[2:]
    if not (8 <= height <= 64 and 8 <= width <= 64):
        raise UserError(f"{name}: images must be between 8×8 and 64×64, but are {height}×{width}; resize them.")
    held_out = len(y_train) // (4 if len(y_train) <= 3000 else 6)
    kept = slice(held_out, None if train_limit is None else held_out + train_limit)
    mean = x_train[kept].mean(axis=(0, 2, 3), dtype=np.float64)
    std = x_train[kept].std(axis=(0, 2, 3), dtype=np.float64)
    if (std < 1e-6).any():
        raise UserError(f"{name}: the training images are constant; give images that differ.")

    def split(images: np.ndarray, labels: np.ndarray) -> Split:
        normalised = (images - mean[None, :, None, None]) / std[None, :, None, None]
        return Split(torch.from_numpy(normalised.astype(np.float32)), torch.from_numpy(labels.astype(np.int64)))

    task = Task(
        name=name,
        train=split(x_train[kept], y_train[kept]),
        validation=split(x_train[:held_out], y_train[:held_out]),
        test=split(x_test, y_test),
        classes=int(y_train.max()) + 1,
        mean=tuple(float(value) for value in mean),
        std=tuple(float(value) for value in std),
    )
    for part in ("train", "validation"):
        counts = torch.bincount(getattr(task, part).labels, minlength=task.classes)
        if (counts == 0).any():
            empty = int((counts == 0).nonzero()[0])
            raise UserError(f"{name}: class {empty} has no image in the {part} split; give more images of it.")
    return task


def _check_classes(name: str, y_train: np.ndarray, y_test: np.ndarray) -> None:
    classes = int(y_train.max()) + 1
    if classes < 2:
        raise UserError(f"{name}: there must be at least 2 classes, but there is 1; check the labels.")
    present = np.unique(y_train)
    if len(present) < classes:
        empty = int(np.flatnonzero(present != np.arange(len(present)))[0])
        raise UserError(f"{name}: class {empty} is empty; classes must be numbered 0 to {classes - 1} without gaps.")
    if len(y_test) == 0:
        raise UserError(f"{name}: the test split is empty; give at least one image per class.")
    if int(y_test.max()) >= classes:
        raise UserError(
            f"{name}: test labels out of range: they must be below {classes} as in training, "
            f"but one is {int(y_test.max())}; renumber them."
        )
