"""A folder of images: ``ROOT/<class>/*.png`` or ``ROOT/train/<class>/*`` with ``ROOT/test/<class>/*``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gtn_nas.data.arrays import RawData, to_channels_first
from gtn_nas.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["read_folder"]

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm", ".pgm", ".gif", ".tif", ".tiff"}
_AT_MOST_16 = {"PNG", "PPM"}  # bits of these formats' grey, which some versions of Pillow give as 32


def read_folder(root: Path) -> RawData:
    """Read a tree of images, all of one size; classes are the sub-folders in alphabetical order.

    Raises:
        UserError: no classes, an empty class, a file that is no image or has other than 8 or 16 bits, images of
            different sizes, or train and test folders with different classes.
    """
    if not (root / "train").is_dir():
        return RawData(*_read_split(root, _class_names(root)))
    classes = _class_names(root / "train")
    train = _read_split(root / "train", classes)
    if not (root / "test").is_dir():
        return RawData(*train)
    if _class_names(root / "test") != classes:
        raise UserError(f"{root}: train and test must have the same class folders, but their names differ.")
    return RawData(*train, *_read_split(root / "test", classes))


def _class_names(root: Path) -> list[str]:
    names = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(names) < 2:
        raise UserError(f"{root}: an image folder needs at least 2 class folders, but has {len(names)}.")
    return names


def _read_split(root: Path, classes: list[str]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    images: list[npt.NDArray[np.uint8]] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        files = sorted(path for path in (root / name).iterdir() if path.suffix.lower() in _SUFFIXES)
        if not files:
            raise UserError(f"{root / name}: class {name!r} is empty; add images or remove the folder.")
        for path in files:
            pixels = _read_pixels(path)
            if images and pixels.shape != images[0].shape:
                raise UserError(
                    f"{path}: all images must have one size and colour mode, but this one is "
                    f"{list(pixels.shape)} and the first {list(images[0].shape)}; resize them."
                )
            images.append(pixels)
            labels.append(label)
    scaled = np.stack(images).astype(np.float32) / np.float32(255)
    return to_channels_first(scaled, str(root)), np.asarray(labels, dtype=np.int64)


def _read_pixels(path: Path) -> npt.NDArray[np.uint8]:
    """Return ``[H, W]`` or ``[H, W, 3]``."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode != "F" and (image.mode != "I" or image.format in _AT_MOST_16):
                return _pixels(image)
    except Image.DecompressionBombError as error:
        raise UserError(f"{path} has more pixels than Pillow reads; make it smaller or remove it.") from error
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's words for a damaged file
        raise UserError(f"{path} is not a readable image; repair or remove it.") from error
    raise UserError(f"{path}: pixels must have 8 or 16 bits, but have 32; save it with 8, so that white is 255.")


def _pixels(image: Image.Image) -> npt.NDArray[np.uint8]:
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow's own conversion would clip at 255
        return (np.asarray(image) // 257).astype(np.uint8)
    return np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))
