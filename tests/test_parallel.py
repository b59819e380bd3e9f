"""Work that several processes share."""

from __future__ import annotations

import os
import signal

import pytest

from gtn_nas.errors import UserError
from gtn_nas.parallel import map_unordered


def die_at_two(_: None, item: int) -> int:
    if item == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def test_a_worker_that_is_killed_is_a_sentence() -> None:
    with pytest.raises(UserError, match="a worker process was killed, for want of memory perhaps; what was done"):
        list(map_unordered(die_at_two, None, range(4), workers=2))
