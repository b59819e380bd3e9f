"""Export a trained network for other runtimes, checked against what PyTorch computes."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from gtn_nas.errors import UserError
from gtn_nas.extras import how_to_install
from gtn_nas.files import refuse_existing, write_atomically
from gtn_nas.model.saved import SavedModel

__all__ = ["FORMS", "export_model"]

_TOLERANCE = 1e-3  # of logits, between two runtimes in single precision
_TRIED = (1, 5)  # batch sizes: any shall do


def export_model(model: SavedModel, form: str, path: Path) -> float:
    """Write the network, from pixels 0 to 1 to logits, for batches of any size; return the largest deviation found.

    Args:
        model: what to export.
        form: ``onnx``, or ``pt2`` for torch.export.
        path: the file.

    Raises:
        UserError: ``path`` exists, a package is missing, or what was written does not compute what PyTorch does.
    """
    refuse_existing(path)
    network = model.from_pixels()
    images = torch.rand(3, *model.image_shape, generator=torch.Generator().manual_seed(0))
    content, run = FORMS[form](network, images)
    deviation = 0.0
    for size in _TRIED:
        images = torch.rand(size, *model.image_shape, generator=torch.Generator().manual_seed(size))
        with torch.no_grad():
            deviation = max(deviation, float((run(images) - network(images)).abs().max()))
    if not deviation <= _TOLERANCE:
        raise UserError(
            f"the {form} export of this network deviates from PyTorch by {deviation:.2g} in its logits, more than "
            f"{_TOLERANCE}; use another --format."
        )
    write_atomically(path, content)
    return deviation


Exported = tuple[bytes, Callable[[Tensor], Tensor]]


def _onnx(network: nn.Module, images: Tensor) -> Exported:
    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise UserError(f"exporting to ONNX needs {' and '.join(missing)}; {how_to_install('export')}.")
    from onnx import checker, load_from_string
    from onnx.reference import ReferenceEvaluator

    batch = torch.export.Dim("batch")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own parts
        program = torch.onnx.export(
            network, (images,), dynamo=True, dynamic_shapes={"images": {0: batch}}, verbose=False,
            input_names=["images"], output_names=["logits"], external_data=False,
        )  # fmt: skip
    assert program is not None
    content = program.model_proto.SerializeToString()
    written = load_from_string(content)
    checker.check_model(written)
    evaluator = ReferenceEvaluator(written)

    def run(some: Tensor) -> Tensor:
        (logits,) = evaluator.run(None, {"images": some.numpy()})
        return torch.from_numpy(np.asarray(logits))

    return content, run


def _torch_export(network: nn.Module, images: Tensor) -> Exported:
    program = torch.export.export(network, (images,), dynamic_shapes={"images": {0: torch.export.Dim("batch")}})
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    content = buffer.getvalue()
    return content, torch.export.load(io.BytesIO(content)).module()


FORMS: dict[str, Callable[[nn.Module, Tensor], Exported]] = {"onnx": _onnx, "pt2": _torch_export}
