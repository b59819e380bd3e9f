"""From what the user calls a data set to its arrays."""

from __future__ import annotations

import re
from pathlib import Path

from gtn_nas.data.arrays import RawData
from gtn_nas.data.digits import read_digits
from gtn_nas.data.folder import read_folder
from gtn_nas.data.npz import read_npz
from gtn_nas.data.resize import resized
from gtn_nas.data.torchvision_sets import TORCHVISION_SETS, data_folder, read_torchvision
from gtn_nas.errors import UserError

__all__ = ["SOURCES", "read_source", "split_size"]

SOURCES = ("digits", *TORCHVISION_SETS)
_SIZED = re.compile(r"(.+)@(\d+)")


def split_size(source: str) -> tuple[str, int | None]:
    """``cifar10@16`` → ``("cifar10", 16)``; without a size, or where a path has that very name, ``(source, None)``."""
    found = _SIZED.fullmatch(source)
    if found is None or (found[1] not in SOURCES and Path(source).exists()):
        return source, None
    return found[1], int(found[2])


def read_source(source: str) -> RawData:
    """Read a data set by name (``digits``, ``mnist``, …), ``.npz`` path or image-folder path.

    One of torchvision's sets may lie in the data folder as ``NAME.npz``, for machines that cannot download it.
    ``@16`` after any of them averages its images down to 16×16.

    Raises:
        UserError: the source is none of these, cannot be read, or has images smaller than asked for.
    """
    plain, size = split_size(source)
    if size is not None:
        return resized(read_source(plain), size, source)
    if source == "digits":
        return read_digits()
    if source in TORCHVISION_SETS:
        arrays = data_folder() / f"{source}.npz"
        return read_npz(arrays) if arrays.is_file() else read_torchvision(source)
    path = Path(source)
    if path.suffix == ".npz":
        return read_npz(path)
    if path.is_dir():
        return read_folder(path)
    raise UserError(
        f"unknown data set {source!r}; use one of {', '.join(SOURCES)}, the path of an .npz file, "
        "or a folder with one sub-folder of images per class."
    )
