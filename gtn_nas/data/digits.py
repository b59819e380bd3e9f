"""The 1,797 handwritten digits (8×8) that scikit-learn carries: real images, no download."""

from __future__ import annotations

import numpy as np

from gtn_nas.data.arrays import RawData

__all__ = ["read_digits"]


def read_digits() -> RawData:
    """Read the digits; pixel values 0-16 become 0-1. They have no test split of their own."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return RawData(x_train=(digits.images[:, None] / 16).astype(np.float32), y_train=digits.target.astype(np.int64))
