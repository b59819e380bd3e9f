"""Find a search space: an installed one by its name, or a class in a file."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.metadata import entry_points
from pathlib import Path

from gtn_nas.errors import UserError
from gtn_nas.space.base import SearchSpace
from gtn_nas.space.narrowing import narrow, parse_choices
from gtn_nas.space.nni_names import PREFIX

__all__ = ["available_spaces", "load_space"]


def available_spaces() -> dict[str, str]:
    """Return the installed spaces: name → ``module:Class``."""
    return {point.name: point.value for point in entry_points(group="gtn_nas.search_spaces")}


def load_space(name: str) -> SearchSpace:
    """Return the installed space ``name``, the one at ``path/to/file.py:Class``, or one of NNI's, ``nni:DARTS``.

    Any may be followed by ``[parameter=value,…]``, which fixes some of its parameters.

    Raises:
        UserError: there is no such space, or it does not load.
    """
    if name.endswith("]") and "[" in name:
        whole, _, choices = name[:-1].rpartition("[")
        return narrow(load_space(whole), parse_choices(choices))
    if name.startswith(PREFIX):
        from gtn_nas.space.nni_models import load_model_space  # it needs this module's packages, and NNI

        return load_model_space(name)
    if ".py:" in name:
        path, _, class_name = name.rpartition(":")
        space = _instantiate(_load_file(Path(path)), class_name, name)
        space.origin = f"{Path(path).resolve()}:{class_name}"
        return space
    target = available_spaces().get(name)
    if target is None:
        known = ", ".join(sorted(available_spaces())) or "none"
        raise UserError(f"unknown search space {name!r}; use one of {known}, or path/to/file.py:Class.")
    module, _, class_name = target.partition(":")
    try:
        return _instantiate(importlib.import_module(module), class_name, name)
    except ImportError as error:
        raise UserError(f"search space {name!r} does not load: {error}; reinstall its package.") from error


def _load_file(path: Path) -> object:
    spec = importlib.util.spec_from_file_location(f"gtn_nas_space_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise UserError(f"no Python file {path} to load a search space from; check the path.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look a class's module up there
    try:
        spec.loader.exec_module(module)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{path} raised {type(error).__name__} on loading: {error}; repair it first.") from error
    return module


def _instantiate(module: object, class_name: str, name: str) -> SearchSpace:
    cls = getattr(module, class_name, None)
    if not (isinstance(cls, type) and issubclass(cls, SearchSpace)):
        raise UserError(f"{name!r} is not a search space; name a subclass of gtn_nas.space.SearchSpace.")
    lacking = [need for need in ("name", "parameters") if not hasattr(cls, need)]
    if lacking := lacking + sorted(cls.__abstractmethods__):
        raise UserError(f"search space {name!r} lacks {lacking[0]!r}; define it in the class.")
    return cls()
