"""``--workers``: the same command in several processes, which share the study in its storage."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import optuna
from rich.markup import escape

from gtn_nas.cli.output import note
from gtn_nas.errors import UserError
from gtn_nas.proxy import Proxy
from gtn_nas.search import Budget, Goal, search

__all__ = ["Crew", "run_crew", "work"]

_LOOK = 0.5  # seconds from one look at the workers to the next
_AGAIN = 5.0  # seconds until workers that are still there are told once more
_FAREWELL = 30.0  # seconds that a worker has to close its trial before it is killed; a busy disk takes some


@dataclass(frozen=True)
class Crew:
    """How many workers there are, and the threads of each."""

    size: int
    threads: int


@dataclass
class _Member:
    """A worker process and the file of its last words."""

    number: int
    process: subprocess.Popen[bytes]
    words: Path
    reported: bool = False

    def last_word(self) -> str:
        """Return why it ended, as far as it said."""
        lines = self.words.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        code = self.process.returncode
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        return lines[-1].removeprefix("error: ") if lines else how


def run_crew(crew: Crew, words: Sequence[str], done: Callable[[], bool]) -> None:
    """Run ``gtn-nas *words`` in every worker until all have ended; ``done`` is asked now and then.

    Each is told its number by ``--worker`` and, for the choice of a GPU, by ``LOCAL_RANK``. A worker that fails is
    reported and the others go on. Whatever ends this process ends them: they are no part of the terminal's group, so
    that Ctrl-C reaches them once, from here.

    Raises:
        UserError: workers failed and ``done`` is not yet true.
    """
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory()))
        members: list[_Member] = []
        ending.callback(_end, members)
        for number in range(crew.size):
            members.append(_start(number, crew, words, folder))
        while any(member.process.poll() is None for member in members):
            done()
            _report(members)
            time.sleep(_LOOK)
        _report(members)
        failed = [member for member in members if member.process.returncode]
        if failed and not done():
            raise UserError(f"all {crew.size} workers have ended before the search did; {failed[0].last_word()}")


def work(study: optuna.Study, proxy: Proxy, trials: int, seeds: int, goal: Goal, budget: Budget, number: int) -> None:
    """Search as worker ``number`` of a crew does: in silence, and no longer than its parent lives.

    Raises:
        KeyboardInterrupt: the parent is gone.
    """
    parent = os.getppid()

    def check(_: object) -> None:
        if os.getppid() != parent:
            raise KeyboardInterrupt

    if number > 0:
        study.sampler.reseed_rng()  # the first one's seed would propose the first one's candidates
    search(study, proxy, trials, seeds, on_trial=check, goal=goal, budget=budget)


def _start(number: int, crew: Crew, words: Sequence[str], folder: Path) -> _Member:
    command = [sys.executable, "-m", "gtn_nas", *words, "--worker", str(number), "--threads", str(crew.threads)]
    last_words = folder / f"{number}.log"
    with last_words.open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=os.environ | {"LOCAL_RANK": str(number)},
            start_new_session=True,
        )
    return _Member(number, process, last_words)


def _report(members: Sequence[_Member]) -> None:
    for member in members:
        if member.process.returncode and not member.reported:
            member.reported = True
            note(f"[yellow]worker {member.number + 1} of {len(members)} has ended[/]: {escape(member.last_word())}")


def _end(members: Sequence[_Member]) -> None:
    deadline = time.monotonic() + _FAREWELL
    while time.monotonic() < deadline and (left := [one.process for one in members if one.process.poll() is None]):
        for process in left:
            process.terminate()  # which the command line takes as Ctrl-C; once in a while Python loses one
        again = time.monotonic() + _AGAIN
        while time.monotonic() < again and any(process.poll() is None for process in left):
            time.sleep(0.05)
    for member in members:
        if member.process.poll() is None:
            member.process.kill()
            member.process.wait()
