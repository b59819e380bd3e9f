"""Take a teacher's lesson away: plain arrays, for training any network without this package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np
from safetensors.numpy import save

from gtn_nas.files import refuse_existing
from gtn_nas.teacher.frozen import FrozenTeacher, save_teacher

__all__ = ["export_teacher"]


def export_teacher(teacher: FrozenTeacher, form: Literal["npz", "safetensors", "folder"], out: Path) -> None:
    """Write images ``[T, B, C, H, W]`` (float32, normalised), targets, and ``[T]`` of each hyperparameter to ``out``.

    ``npz`` and ``safetensors`` hold ``images``, ``targets``, the hyperparameters by their names, and
    ``pixel_mean`` and ``pixel_std`` ``[C]``, by which real images (0-1) are to be normalised, and
    ``statistics_batches``, how many of the last batches give batch norm its statistics; ``folder`` is a
    teacher's folder with 8-bit pixels, a quarter of the size.

    Raises:
        UserError: ``out`` already exists.
    """
    refuse_existing(out)
    if form == "folder":
        save_teacher(teacher.quantised(), out)
        return
    lesson = teacher.lesson
    arrays = {"images": lesson.images.cpu().numpy(), "targets": lesson.targets.cpu().numpy()}
    arrays |= {name: values.cpu().numpy() for name, values in lesson.hyper.items()}
    arrays["statistics_batches"] = np.array(teacher.config.statistics_batches)
    for name in ("pixel_mean", "pixel_std"):
        if name in teacher.card:
            arrays[name] = np.array(teacher.card[name], dtype=np.float32)
    out.parent.mkdir(parents=True, exist_ok=True)
    if form == "npz":
        with out.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    else:
        known = {"fingerprint": teacher.fingerprint, "config": json.dumps(teacher.config.model_dump())}
        out.write_bytes(save({name: np.ascontiguousarray(values) for name, values in arrays.items()}, known))
