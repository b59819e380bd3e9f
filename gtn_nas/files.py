"""Writing files: a kill never leaves half of one, exports replace none, and no two processes write into one folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gtn_nas.errors import UserError

try:
    import fcntl
except ImportError:  # on Windows, where nobody is kept out
    fcntl = None  # type: ignore[assignment]

__all__ = ["alone_in", "count_lines", "refuse_existing", "write_atomically"]


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Make ``folder`` and keep other processes that ask for it out, until the block or this process ends.

    Raises:
        UserError: another process is in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(f"another process works in {folder}; wait for it, or give another --out.") from None
        yield


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
