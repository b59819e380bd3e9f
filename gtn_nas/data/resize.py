"""Smaller images of the same data set: what they cost falls with their area."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from gtn_nas.data.arrays import RawData
from gtn_nas.errors import UserError

__all__ = ["resized"]

_AT_ONCE = 4096


def resized(raw: RawData, size: int, source: str) -> RawData:
    """Return ``raw`` with images of ``size`` × ``size``, each pixel the mean of the area that it covers.

    Raises:
        UserError: the images are smaller than that.
    """
    height, width = raw.x_train.shape[2:]
    if size < 1 or size > min(height, width):
        raise UserError(f"{source}: images can only be made smaller, and are {height}×{width}; ask for less than that.")
    return replace(
        raw,
        x_train=_averaged(raw.x_train, size),
        x_test=None if raw.x_test is None else _averaged(raw.x_test, size),
    )


def _averaged(images: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.float32]:
    parts = torch.from_numpy(images).split(_AT_ONCE)
    small: npt.NDArray[np.float32] = torch.cat([F.adaptive_avg_pool2d(part, size) for part in parts]).numpy()
    return small
