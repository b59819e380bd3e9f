"""Optional packages: loaded where they are used, and named with their install command where they are missing."""

from __future__ import annotations

from importlib.util import find_spec

from gtn_nas.errors import UserError

__all__ = ["need_extra"]


def need_extra(module: str, extra: str, purpose: str) -> None:
    """Make sure that a package of an extra is installed, without importing it; ``purpose`` begins the sentence.

    Raises:
        UserError: it is not.
    """
    if find_spec(module) is None:
        raise UserError(f"{purpose} needs a package that is not installed; pip install 'gtn-nas[{extra}]'")
