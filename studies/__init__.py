"""Studies: reproducible experiments, one TOML file each, shipped with the package."""

from importlib.resources import files
from importlib.resources.abc import Traversable

__all__ = ["study_file"]


def study_file(name: str) -> Traversable:
    """Return the shipped TOML file of the study ``name``."""
    return files(__name__) / f"{name}.toml"
