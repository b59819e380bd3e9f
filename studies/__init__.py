"""Studies: reproducible experiments, one TOML file each, shipped with the package."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the module is new in Python 3.11
    from importlib.resources.abc import Traversable

__all__ = ["shipped_files", "study_file"]


def study_file(name: str) -> Traversable:
    """Return the shipped TOML file of the study ``name``."""
    return files(__name__) / f"{name}.toml"


def shipped_files() -> Iterator[tuple[str, str]]:
    """Yield name and text of every TOML file at the top of the folder, by name."""
    for file in sorted(files(__name__).iterdir(), key=lambda one: one.name):
        if file.name.endswith(".toml"):
            yield file.name.removesuffix(".toml"), file.read_text(encoding="utf-8")
