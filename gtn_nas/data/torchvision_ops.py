"""Let torchvision be imported beside a build of torch that its compiled operators do not match.

torchvision's wheel is linked to CUDA; next to a CPU build of torch its library does not load, and its Python
code then fails on the two operators for which it registers shape rules. Data sets, transforms and grids need
neither, so declaring the two schemas is enough.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

import torch

__all__ = ["declare_missing_operators", "import_torchvision"]

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_declared: list[torch.library.Library] = []  # a library's definitions live as long as the object


def declare_missing_operators() -> list[str]:
    """Declare those of torchvision's two operators that its own library did not bring; return their names."""
    _load_own_library()
    missing = [name for name in _SCHEMAS if not hasattr(torch.ops.torchvision, name)]
    if missing:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in missing:
            library.define(_SCHEMAS[name])
        _declared.append(library)
    return missing


def import_torchvision(submodule: str = "datasets") -> ModuleType:
    """Import ``torchvision.<submodule>`` on any build of torch."""
    declare_missing_operators()
    return importlib.import_module(f"torchvision.{submodule}")


def _load_own_library() -> None:
    spec = importlib.util.find_spec("torchvision")  # finds the package without running it
    if spec is None or spec.origin is None:
        return
    for path in Path(spec.origin).parent.glob("_C*"):
        if path.suffix in {".so", ".pyd", ".dylib"}:
            try:
                torch.ops.load_library(str(path))
            except OSError:  # linked to CUDA libraries that are not here
                return
