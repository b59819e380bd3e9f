"""The teacher's images as one picture."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

__all__ = ["teacher_grid"]

_ROWS, _COLUMNS = 16, 24
_TILE = 48  # pixels that a tile is scaled up to, at least
_GAP, _MARGIN, _HEAD = 6, 150, 30
_DPI = 144
_GREY = "#808080"  # readable on white and on black
_CORNER = {"facecolor": "black", "edgecolor": "none", "pad": 0.8}


def teacher_grid(images: npt.NDArray[Any], labels: npt.NDArray[np.integer[Any]]) -> bytes:
    """Return a PNG: a row for each inner step (at most 16, evenly chosen), a column for each batch position.

    At most 24 positions are shown. Class numbers stand above the columns when all steps share them, else
    in each image's corner. Pixels are whole multiples of the originals; the background is transparent.

    Args:
        images: ``[T, B, C, H, W]``, clipped to 0-1.
        labels: ``[T, B]``.
    """
    steps = np.unique(np.linspace(0, len(images) - 1, min(_ROWS, len(images))).round().astype(int))
    tiles = _rgb(images[steps, :_COLUMNS])
    rows, columns, height, width, _ = tiles.shape
    zoom = max(1, -(-_TILE // max(height, width)))
    tiles = tiles.repeat(zoom, axis=2).repeat(zoom, axis=3)
    pitch_y, pitch_x = height * zoom + _GAP, width * zoom + _GAP
    canvas = np.zeros((rows, columns, pitch_y, pitch_x, 4))
    canvas[:, :, : height * zoom, : width * zoom] = tiles
    canvas = canvas.transpose(0, 2, 1, 3, 4).reshape(rows * pitch_y, columns * pitch_x, 4)

    size = (_MARGIN + columns * pitch_x, _HEAD + rows * pitch_y)
    figure = Figure(figsize=(size[0] / _DPI, size[1] / _DPI), dpi=_DPI)
    figure.figimage(canvas, xo=_MARGIN, yo=0, origin="upper")  # no resampling: pixels stay square

    def write(x: float, y: float, text: str, color: str = _GREY, **style: Any) -> None:
        figure.text(x / size[0], 1 - y / size[1], text, va="center", color=color, **style)

    shown = labels[steps, :columns]
    shared = bool((shown == shown[0]).all())
    for row, step in enumerate(steps):
        top = _HEAD + row * pitch_y
        write(_MARGIN - 12, top + height * zoom / 2, f"inner step {step + 1}", ha="right", fontsize=10)
        for column in range(0 if shared else columns):
            corner: dict[str, Any] = {"color": "white", "fontsize": 5, "ha": "left", "bbox": _CORNER}
            write(_MARGIN + column * pitch_x + 3, top + 7, str(shown[row, column]), **corner)
    for column in range(columns if shared else 0):
        write(_MARGIN + column * pitch_x + width * zoom / 2, _HEAD / 2, str(shown[0, column]), ha="center")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, transparent=True)
    return buffer.getvalue()


def _rgb(images: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """``[..., C, H, W]`` → ``[..., H, W, 4]``; other than three channels become their mean, in grey."""
    pixels = np.nan_to_num(np.asarray(images, dtype=np.float64)).clip(0, 1)
    if pixels.shape[-3] != 3:
        pixels = pixels.mean(axis=-3, keepdims=True).repeat(3, axis=-3)
    pixels = np.moveaxis(pixels, -3, -1)
    return np.concatenate([pixels, np.ones_like(pixels[..., :1])], axis=-1)
