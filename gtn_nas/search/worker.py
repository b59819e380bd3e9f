"""Which process scores a trial, and whether it still lives."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import optuna

__all__ = ["BEAT", "WORKER", "Rhythm", "Worker", "beating"]

WORKER, BEAT = "worker", "beat"  # a trial's attributes: who scores it, and how often it gave a sign of life


@dataclass(frozen=True)
class Rhythm:
    """Seconds from one sign of life to the next, of silence that means death, and between looks at the others."""

    beat: float = 10.0
    patience: float = 60.0
    look: float = 0.2


@dataclass(frozen=True)
class Worker:
    """A process: its number, and in which system's process table that number counts."""

    host: str
    boot: str
    table: int
    pid: int

    @classmethod
    def here(cls) -> Worker:
        """Return this process."""
        return cls(socket.gethostname(), _boot(), _table(), os.getpid())

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Worker | None:
        """Return who scores the trial with these attributes; None where it does not say."""
        noted = attributes.get(WORKER)
        return None if noted is None else cls(**noted)

    def noted(self) -> dict[str, Any]:
        """Return what a trial's attribute holds."""
        return asdict(self)

    def gone(self) -> bool:
        """Whether the process has ended, as far as this one can see: of other hosts nothing is seen."""
        if (self.boot, self.table) != (_boot(), _table()):
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        return False


@contextmanager
def beating(trial: optuna.Trial, seconds: float) -> Iterator[None]:
    """Give signs of life on ``trial`` within the block; a short one needs none."""
    ended = threading.Event()

    def beat() -> None:
        count = 0
        while not ended.wait(seconds):
            count += 1
            try:
                trial.set_user_attr(BEAT, count)
            except Exception:  # an unreachable storage may be back at the next beat; the search itself reports it
                continue

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _boot() -> str:
    """Return what tells this run of this machine's system from all others; containers on it share it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()


def _table() -> int:
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return 0
