"""Optional packages: loaded where they are used, and named with their install command where they are missing."""

from __future__ import annotations

from importlib.util import find_spec

from gtn_nas.errors import UserError

__all__ = ["EXTRAS", "how_to_install", "missing_modules", "need_extra"]

EXTRAS = {  # what each of pyproject.toml's extras is imported as
    "nni": ("nni", "hyperopt", "pytorch_lightning"),
    "dashboard": ("optuna_dashboard", "plotly"),
    "postgresql": ("psycopg",),
    "grpc": ("grpc", "google.protobuf"),
    "log": ("tensorboard",),
    "export": ("onnx", "onnxscript"),
    "dev": ("pytest", "pytest_timeout", "xdist", "ruff", "mypy"),
}


def how_to_install(extra: str) -> str:
    """Return the command that installs an extra; the package is on no index."""
    return f"pip install '.[{extra}]' in the folder of gtn-nas"


def missing_modules(extra: str) -> list[str]:
    """Return the modules of an extra that are not installed."""
    return [module for module in EXTRAS[extra] if not _is_there(module)]


def need_extra(module: str, extra: str, purpose: str) -> None:
    """Make sure that a package of an extra is installed, without importing it; ``purpose`` begins the sentence.

    Raises:
        UserError: it is not.
    """
    if find_spec(module) is None:
        raise UserError(f"{purpose} needs a package that is not installed; {how_to_install(extra)}.")


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even what it lies in
        return False
