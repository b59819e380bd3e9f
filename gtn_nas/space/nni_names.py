"""Find an NNI model space by what the user writes after ``nni:``."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from gtn_nas.data.torchvision_ops import import_torchvision
from gtn_nas.errors import UserError
from gtn_nas.extras import need_extra
from gtn_nas.nni_import import import_nni
from gtn_nas.space.fitting import arguments_of

__all__ = ["PREFIX", "defaults_of", "find_model_space", "split_arguments"]

PREFIX = "nni:"
_PURPOSE = "an NNI model space"
_SHORT = {"MobileNetV3": "MobileNetV3Space", "ShuffleNet": "ShuffleNetSpace"}


def split_arguments(name: str) -> tuple[str, dict[str, Any]]:
    """Return the place and the constructor's arguments of ``nni:place(name=value, …)``.

    Raises:
        UserError: they are not written so.
    """
    text = name.removeprefix(PREFIX)
    place, bracket, rest = text.partition("(")
    if not bracket:
        return text, {}
    try:
        call = ast.parse(f"f({rest}", mode="eval").body
        if not isinstance(call, ast.Call) or call.args or not all(one.arg for one in call.keywords):
            raise ValueError("names are missing")
        return place, {str(one.arg): ast.literal_eval(one.value) for one in call.keywords}
    except (SyntaxError, ValueError) as error:
        raise UserError(f"a model space's arguments are written 'nni:NAME(width=8, …)', but got {name!r}.") from error


def defaults_of(make: Callable[..., Any]) -> dict[str, Any]:
    """Return what small images ask for: for ``imagenet``, NNI's cells begin with three halvings."""
    dataset = arguments_of(make).get("dataset")
    return {"dataset": "cifar"} if dataset is not None and dataset.default == "imagenet" else {}


def find_model_space(place: str) -> Callable[..., Any]:
    """Return the class: of NNI's hub by its name, of a module, or of a file.

    Raises:
        UserError: NNI is not installed, or there is no model space there.
    """
    need_extra("nni", "nni", _PURPOSE)
    need_extra("pytorch_lightning", "nni", _PURPOSE)  # NNI does not say that it needs it
    import_torchvision("transforms")  # as Lightning does, which knows no way round what it may lack
    base = import_nni("nni.nas.nn.pytorch").ModelSpace
    where, _, class_name = place.rpartition(":")
    try:
        module = _load(where) if where else import_nni("nni.nas.hub.pytorch")
    except UserError:
        raise
    except Exception as error:  # a user's module may raise anything
        raise UserError(f"model space 'nni:{place}' does not load: {error}; check its name and repair it.") from error
    found = getattr(module, class_name if where else _SHORT.get(class_name, class_name), None)
    if isinstance(found, type) and issubclass(found, base):
        return found
    known = sorted(name for name, one in vars(module).items() if isinstance(one, type) and issubclass(one, base))
    raise UserError(
        f"'nni:{place}' is not a model space of NNI's; use one of {', '.join(known) or 'NNI.hub'}, "
        "or nni:my_module:Class, or nni:path/to/file.py:Class."
    )


def _load(where: str) -> ModuleType:
    if not where.endswith(".py"):
        if str(Path.cwd()) not in sys.path:
            sys.path.append(str(Path.cwd()))  # a user's module lies where the command is given
        return import_module(where)
    path = Path(where)
    spec = importlib.util.spec_from_file_location(f"gtn_nas_nni_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise UserError(f"no Python file {path} to load a model space from; check the path.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
