"""``gtn-nas export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from gtn_nas.cli.output import note
from gtn_nas.errors import UserError
from gtn_nas.teacher.export import export_teacher
from gtn_nas.teacher.frozen import load_teacher
from gtn_nas.teacher.store import folder_of

__all__ = ["export_command"]


Form = Literal["npz", "safetensors", "folder", "onnx", "pt2"]


def export_command(
    what: Annotated[Literal["teacher", "model"], typer.Argument(help="what to export")],
    folder: Annotated[Path, typer.Argument(help="the model's folder; the teacher's, or its name in gtn-nas teachers")],
    out: Annotated[Path, typer.Option("--out", help="file, or folder for --format folder")],
    form: Annotated[
        Form | None,
        typer.Option(
            "--format",
            help="of a teacher: npz, safetensors, or folder, a smaller one with 8-bit pixels; of a model: onnx, or pt2 "
            "(torch.export)",
            show_default="npz, onnx",
        ),
    ] = None,
) -> None:
    """Take a teacher's images, targets and schedule away, or a trained model, to use them without this package.

    A model takes pixels from 0 to 1 and gives logits, for batches of any size; what is written is run and compared
    with PyTorch.
    """
    if what == "model":
        _export_model(folder, form or "onnx", out)
    else:
        _export_teacher(folder, form or "npz", out)


def _export_model(folder: Path, form: str, out: Path) -> None:
    from gtn_nas.model import FORMS, export_model, load_model

    if form not in FORMS:
        raise UserError(f"a model is exported as {' or '.join(FORMS)}, not as {form}; give one of them with --format.")
    deviation = export_model(load_model(folder), form, out)
    note(f"model exported to [bold]{escape(str(out))}[/]: its logits differ from PyTorch's by {deviation:.1g} at most.")


def _export_teacher(folder: Path, form: Form, out: Path) -> None:
    if form == "onnx" or form == "pt2":
        raise UserError(f"a teacher is exported as npz, safetensors or folder, not as {form}; give one with --format.")
    teacher = load_teacher(folder_of(folder))
    export_teacher(teacher, form, out)
    steps, batch, *shape = teacher.lesson.images.shape
    sizes = "×".join(map(str, shape))
    note(f"teacher exported to [bold]{escape(str(out))}[/]: {steps} steps of {batch} images of {sizes}.")
