"""Studies: reproducible experiments, one TOML file each, shipped with the package."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the module is new in Python 3.11
    from importlib.resources.abc import Traversable

__all__ = ["study_file"]


def study_file(name: str) -> Traversable:
    """Return the shipped TOML file of the study ``name``."""
    return files(__name__) / f"{name}.toml"
