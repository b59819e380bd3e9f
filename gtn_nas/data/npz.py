"""A user's own arrays: an ``.npz`` file with ``x_train, y_train`` (and ``x_test, y_test``), or ``x, y``."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from gtn_nas.data.arrays import RawData, check_images_and_labels
from gtn_nas.errors import UserError

__all__ = ["read_npz"]


def read_npz(path: Path) -> RawData:
    """Read ``path``; pickled objects inside are refused.

    Raises:
        UserError: no such file, not an ``.npz``, the arrays' names are others, or the arrays are unsound.
    """
    if not path.is_file():
        raise UserError(f"no file {path}; give the path of an .npz with x_train, y_train, x_test, y_test or x, y.")
    arrays = _read_arrays(path)
    names = ("x_train", "y_train") if "x_train" in arrays else ("x", "y")
    missing = [name for name in names if name not in arrays]
    if ("x_test" in arrays) != ("y_test" in arrays):
        missing.append("y_test" if "x_test" in arrays else "x_test")
    if missing:
        raise UserError(
            f"{path}: array {missing[0]!r} is missing among {sorted(arrays)}; "
            "name them x_train, y_train, x_test, y_test or x, y."
        )
    x_train, y_train = check_images_and_labels(arrays[names[0]], arrays[names[1]], f"{path} ({names[0]})")
    if "x_test" not in arrays:
        return RawData(x_train, y_train)
    x_test, y_test = check_images_and_labels(arrays["x_test"], arrays["y_test"], f"{path} (x_test)")
    return RawData(x_train, y_train, x_test, y_test)


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    unreadable = f"{path} is not a readable .npz file; write it with numpy.savez_compressed."
    if not zipfile.is_zipfile(path):  # numpy would take it for a single array or a pickle
        raise UserError(unreadable)
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: np.asarray(archive[name]) for name in archive.files}
    except Exception as error:  # damaged bytes raise whatever they happen to spell
        if "Object arrays" in str(error):
            raise UserError(f"{path}: arrays must be numbers, but one holds objects; convert it.") from error
        raise UserError(unreadable) from error
