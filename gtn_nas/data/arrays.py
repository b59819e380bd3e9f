"""Raw images and labels, checked before anything is computed with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gtn_nas.errors import UserError

__all__ = ["RawData", "check_images_and_labels", "to_channels_first"]

Array = npt.NDArray[np.generic]
_ROUNDING = 1e-6  # by which floats may miss 0 and 1
_LARGEST_LABEL = 2**53  # above it a float no longer tells whole numbers apart, and int64 ends soon after


@dataclass(frozen=True)
class RawData:
    """A data set as it comes: images ``[N, C, H, W]`` float32 in [0, 1], labels ``[N]`` int64.

    ``x_test`` is None where the source has no test split of its own; the task then makes one.
    """

    x_train: npt.NDArray[np.float32]
    y_train: npt.NDArray[np.int64]
    x_test: npt.NDArray[np.float32] | None = None
    y_test: npt.NDArray[np.int64] | None = None


def check_images_and_labels(
    images: Array, labels: Array, where: str
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return images as ``[N, C, H, W]`` float32 in [0, 1] and labels as ``[N]`` int64.

    Args:
        images: ``[N, H, W]``, ``[N, H, W, C]`` or ``[N, C, H, W]`` with C = 1 or 3; integers count 0-255,
            floats within [0, 1] are taken as they are.
        labels: ``[N]`` class numbers from 0.
        where: names the source in messages.

    Raises:
        UserError: arrays that are not numeric, not finite, of another range or shape, of unequal length, or
            labels that are not class numbers.
    """
    for array, what in ((images, "images"), (labels, "labels")):
        if not (np.issubdtype(array.dtype, np.number) or array.dtype == np.bool_):
            raise UserError(f"{where}: {what} must be numbers, but are {array.dtype}; convert them first.")
        if np.iscomplexobj(array):
            raise UserError(f"{where}: {what} must be real numbers, but are complex; convert them first.")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise UserError(f"{where}: labels must have shape [N] (class numbers), but have {list(labels.shape)}.")
    if images.ndim not in (3, 4):
        raise _wrong_shape(images.shape, where)
    if len(images) != len(labels):
        raise UserError(
            f"{where}: images and labels must be equally many, but there are {len(images)} and {len(labels)}."
        )
    if len(images) == 0:
        raise UserError(f"{where}: there must be at least one image, but there is none.")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is refused below
        scaled = images.astype(np.float32)
    if np.issubdtype(images.dtype, np.integer):
        scaled /= 255
    if not np.isfinite(scaled).all():
        raise UserError(f"{where}: images must be finite, but hold NaN or infinity; clean them first.")
    _check_range(images, where)
    numbers = np.isfinite(labels).all() and (labels == np.floor(labels)).all()
    if not numbers or labels.min() < 0 or labels.max() > _LARGEST_LABEL:
        raise UserError(f"{where}: labels out of range: they must be whole class numbers from 0; renumber them.")
    return to_channels_first(scaled, where), labels.astype(np.int64)


def _check_range(images: Array, where: str) -> None:
    low, high = images.min(), images.max()
    if np.issubdtype(images.dtype, np.integer):
        if low < 0 or high > 255:  # of 10, 12 or 16 bits, who knows
            raise UserError(
                f"{where}: integer pixels must lie within 0 to 255, but range from {low} to {high}; divide them by "
                "the largest value that a pixel can have, to floats within 0 to 1."
            )
    elif images.dtype != np.bool_ and (low < -_ROUNDING or high > 1 + _ROUNDING):
        raise UserError(
            f"{where}: float pixels must lie within 0 to 1, but range from {low:g} to {high:g}; divide them by 255, "
            "or by what else they count to."
        )


def to_channels_first(images: npt.NDArray[np.float32], where: str) -> npt.NDArray[np.float32]:
    """Return ``[N, C, H, W]`` for any of the usual layouts with 1 or 3 channels."""
    if images.ndim == 3:
        return images[:, None]
    if images.ndim == 4 and images.shape[1] in (1, 3):
        return images
    if images.ndim == 4 and images.shape[3] in (1, 3):
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    raise _wrong_shape(images.shape, where)


def _wrong_shape(shape: tuple[int, ...], where: str) -> UserError:
    return UserError(
        f"{where}: images must have shape [N, H, W], [N, H, W, C] or [N, C, H, W] with 1 or 3 channels, "
        f"but have {list(shape)}; reshape them."
    )
