"""The same function over many items, in this process or in several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

import torch

from gtn_nas.errors import UserError

__all__ = ["map_unordered"]

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")


def map_unordered(
    function: Callable[[Shared, Item], Result], shared: Shared, items: Sequence[Item], workers: int
) -> Iterator[tuple[int, Result]]:
    """Yield ``(index, function(shared, item))`` as the items get done.

    With several workers each is a process with its share of this one's threads; ``shared`` is sent once to
    each, and ``function`` must be a module's own. Items that have not begun are dropped when the caller stops.

    Raises:
        UserError: a worker was killed.
    """
    if workers <= 1 or len(items) <= 1:
        for index, item in enumerate(items):
            yield index, function(shared, item)
        return
    threads = max(1, torch.get_num_threads() // workers)
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start, initargs=(shared, threads))
    try:
        futures = {pool.submit(_call, function, item): index for index, item in enumerate(items)}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise UserError(
            "a worker process was killed, for want of memory perhaps; what was done before is kept: run the same "
            "command again, with fewer --workers."
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


_shared: Any = None  # a worker process's own, set once when it starts


def _start(shared: Any, threads: int) -> None:
    global _shared
    torch.set_num_threads(threads)
    _shared = shared


def _call(function: Callable[[Any, Any], Any], item: Any) -> Any:
    return function(_shared, item)
