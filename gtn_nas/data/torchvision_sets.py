"""torchvision's data sets by their usual names, read from the data folder or downloaded into it once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gtn_nas.data.arrays import RawData, check_images_and_labels
from gtn_nas.data.torchvision_ops import import_torchvision
from gtn_nas.errors import UserError

__all__ = ["TORCHVISION_SETS", "data_folder", "read_torchvision"]

# name -> (class in torchvision.datasets, what must lie in the data folder)
TORCHVISION_SETS = {
    "mnist": ("MNIST", "MNIST/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte"),
    "fashion_mnist": ("FashionMNIST", "FashionMNIST/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte"),
    "kmnist": ("KMNIST", "KMNIST/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte"),
    "cifar10": ("CIFAR10", "cifar-10-batches-py/ (or cifar-10-python.tar.gz)"),
    "cifar100": ("CIFAR100", "cifar-100-python/ (or cifar-100-python.tar.gz)"),
    "svhn": ("SVHN", "train_32x32.mat and test_32x32.mat"),
}


def data_folder() -> Path:
    """Return ``$GTN_NAS_DATA``, or the platform's cache folder when it is not set."""
    from platformdirs import user_cache_path

    chosen = os.environ.get("GTN_NAS_DATA")
    return Path(chosen) if chosen else user_cache_path("gtn-nas") / "data"


def read_torchvision(name: str, root: Path | None = None) -> RawData:
    """Read the set ``name`` from ``root`` (default: the data folder), downloading it when it is not there.

    Raises:
        UserError: the files are not there and cannot be downloaded, or are damaged.
    """
    class_name, _ = TORCHVISION_SETS[name]
    root = root or data_folder()
    factory = getattr(import_torchvision("datasets"), class_name)
    options: list[dict[str, Any]] = (
        [{"split": "train"}, {"split": "test"}] if name == "svhn" else [{"train": True}, {"train": False}]
    )
    (x_train, y_train), (x_test, y_test) = (_read_split(factory, root, option, name) for option in options)
    return RawData(
        *check_images_and_labels(x_train, y_train, f"{name} (train)"),
        *check_images_and_labels(x_test, y_test, f"{name} (test)"),
    )


def _read_split(
    factory: Callable[..., Any], root: Path, option: dict[str, Any], name: str
) -> tuple[np.ndarray, np.ndarray]:
    try:
        split = factory(root=str(root), download=False, **option)
    except Exception as fault:  # absent or damaged: every set raises something else
        split = _download_split(factory, root, option, name, fault)
    labels = split.targets if hasattr(split, "targets") else split.labels
    return np.asarray(split.data), np.asarray(labels)


def _download_split(
    factory: Callable[..., Any], root: Path, option: dict[str, Any], name: str, fault: Exception
) -> Any:
    try:
        root.mkdir(parents=True, exist_ok=True)
        return factory(root=str(root), download=True, **option)
    except Exception as error:  # every network and file fault has its own class here
        raise UserError(
            f"data set {name!r} is missing or damaged in {root} ({_reason(fault)}) and cannot be downloaded "
            f"({_reason(error)}); place {TORCHVISION_SETS[name][1]} or {name}.npz there, "
            "or set GTN_NAS_DATA to the folder that holds it."
        ) from error


def _reason(error: Exception) -> str:
    said = str(error).strip()
    return said.splitlines()[0][:120] if said else type(error).__name__
