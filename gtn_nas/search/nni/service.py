"""Start NNI's manager where and as we want it: in a folder of the run, on the loopback, with the patience it needs."""

from __future__ import annotations

import os
import shlex
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gtn_nas.errors import UserError
from gtn_nas.nni_import import import_nni

__all__ = ["free_port", "in_environment", "nni_at", "running"]

_REQUIRED = [Path(__file__).with_name(name) for name in ("loopback.js", "orphan.js")]


def free_port(port: int) -> int:
    """Return ``port``, or some free one for 0.

    Raises:
        UserError: something listens there.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that was closed a moment ago is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UserError(f"port {port} is taken; give another, --set nni.port=0 for any.") from error
        return int(probe.getsockname()[1])


@contextmanager
def nni_at(folder: Path, host: str) -> Iterator[Mapping[str, str]]:
    """Let NNI write to ``folder`` alone, and what it starts listen on ``host``; yields the environment of before.

    NNI keeps a list of experiments in the home folder and its settings beside the interpreter; both follow.
    """
    before = dict(os.environ)
    home = folder.resolve()
    (home / "nni-experiments").mkdir(parents=True, exist_ok=True)
    options = [before.get("NODE_OPTIONS", ""), *(f'--require "{path}"' for path in _REQUIRED)]
    os.environ |= {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "NNI_CONFIG_DIR": str(home / "nni-config"),
        "NODE_OPTIONS": " ".join(option for option in options if option),
        "GTN_NAS_NNI_HOST": host,
    }
    try:
        yield before
    finally:
        os.environ.clear()
        os.environ |= before


@contextmanager
def running(experiment: Any, port: int, patience: float, home: Path) -> Iterator[None]:
    """Start ``experiment``, and at the end stop its manager and whatever that started, so that nobody writes any more.

    Raises:
        UserError: the manager does not start, or does not answer within ``patience`` seconds.
    """
    _start(experiment, port, patience, home)
    manager = experiment._proc
    try:
        yield
    finally:
        psutil = import_nni("psutil")
        started: list[Any] = []
        with suppress(psutil.NoSuchProcess):  # it died before
            started = psutil.Process(manager.pid).children(recursive=True)
        try:
            experiment.stop()
        except Exception:  # it does not answer: NNI raises anything
            manager.kill()
        manager.wait()
        for process in started:  # without a manager a tuner would only try, and complain, for a while
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(started)


def _start(experiment: Any, port: int, patience: float, home: Path) -> None:
    """Start ``experiment`` and wait until its manager answers, however long NNI itself would wait.

    Raises:
        UserError: it does not answer in time, or does not start.
    """
    launcher = import_nni("nni.experiment.launcher")
    rest, records = import_nni("nni.experiment.rest"), launcher.Experiments

    def wait(port: int, retry: int = 0, url_prefix: str | None = None) -> None:
        end = time.monotonic() + patience
        while time.monotonic() < end:
            with suppress(Exception):  # refused, reset, or not yet speaking
                rest.get(port, "/check-status", url_prefix)
                return
            time.sleep(0.2)
        raise TimeoutError(f"no answer within {patience:g} seconds")

    with (
        _exchanged(launcher, "_check_rest_server", wait),
        _exchanged(launcher, "Experiments", lambda: records(str(home / "nni-experiments"))),
    ):
        try:
            experiment.start(port)
        except Exception as error:  # NNI raises anything
            raise UserError(f"NNI's manager did not start: {error}; its log is in {home / experiment.id}.") from error


@contextmanager
def _exchanged(owner: Any, name: str, value: Any) -> Iterator[None]:
    """NNI 3.0 is the last of its kind: what is hard-coded there can only be exchanged."""
    old = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, old)


def in_environment(before: Mapping[str, str], words: list[str]) -> str:
    """Return the shell command that runs ``words`` where the user is, with the user's own home, not NNI's."""
    names = ("HOME", "USERPROFILE", "NODE_OPTIONS", "NNI_CONFIG_DIR")
    kept = [f"{name}={before[name]}" for name in names if name in before]
    gone = [word for name in names if name not in before for word in ("-u", name)]
    return f"cd {shlex.quote(str(Path.cwd()))} && {shlex.join(['env', *gone, *kept, *words])}"
