"""Writing files: a kill never leaves half of one, and exports replace none."""

from __future__ import annotations

import os
from pathlib import Path

from gtn_nas.errors import UserError

__all__ = ["count_lines", "refuse_existing", "write_atomically"]


def count_lines(path: Path) -> int:
    """Return how many whole lines a file holds; none where there is no file."""
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def refuse_existing(out: Path) -> None:
    """Refuse to write over what is there.

    Raises:
        UserError: ``out`` exists.
    """
    if out.exists():
        raise UserError(f"{out} already exists; remove it or give another --out.")


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write ``content`` so that ``path`` holds either the old one or all of the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    os.replace(temporary, path)
