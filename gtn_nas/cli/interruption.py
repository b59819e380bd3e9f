"""What a verb says when Ctrl-C, or a scheduler, ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gtn_nas.cli.output import note

__all__ = ["ANEW", "saying_what_is_kept"]

ANEW = "nothing was kept; the same command starts anew."


@contextmanager
def saying_what_is_kept(words: Callable[[], str]) -> Iterator[None]:
    """Say at an interruption what is kept and how to go on; ``words`` are asked for then, "" being nothing to say.

    Raises:
        KeyboardInterrupt: the interruption, again.
    """
    try:
        yield
    except KeyboardInterrupt:
        said = words()
        if said:
            note(said)
        raise
