"""Import NNI without its noise."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

from gtn_nas.extras import need_extra

__all__ = ["import_nni"]


def import_nni(module: str = "nni", purpose: str = "--engine nni") -> Any:
    """Return ``module``, a part of NNI; its log stays off stdout, where results are printed.

    Raises:
        UserError: NNI is not installed.
    """
    need_extra("nni", "nni", purpose)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of members of torch.nn that NNI 3.0 does not know, and of old syntax
        import nni

        nni.silence_stdout()
        if module.startswith("nni.nas"):
            _prepare_for_lightning()
        return importlib.import_module(module)


def _prepare_for_lightning() -> None:
    """NNI's model spaces import Lightning, which imports torchvision."""
    need_extra("pytorch_lightning", "nni", "an NNI model space")
    from gtn_nas.data.torchvision_ops import import_torchvision

    import_torchvision("transforms")
