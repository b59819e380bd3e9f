"""Import NNI where it is used, without its noise."""

from __future__ import annotations

import importlib
import logging
import warnings
from typing import Any

from gtn_nas.extras import need_extra

__all__ = ["import_nni"]


def import_nni(module: str = "nni", purpose: str = "--engine nni") -> Any:
    """Return ``module``, a part of NNI; its log stays off stdout, where results are printed.

    Args:
        module: its full name.
        purpose: what needs it, for the message.

    Raises:
        UserError: NNI is not installed.
    """
    need_extra("nni", "nni", purpose)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of members of torch.nn that NNI 3.0 does not know, and of old syntax
        import nni

        nni.silence_stdout()
        logging.getLogger("nni").addHandler(logging.NullHandler())  # or what it says then goes to stderr
        return importlib.import_module(module)
