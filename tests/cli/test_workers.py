"""Searches in several processes, as a user runs them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from gtn_nas.cli.app import main
from gtn_nas.cli.crew import Crew, run_crew
from gtn_nas.errors import UserError
from gtn_nas.search import load_study, settled_trials
from gtn_nas.search.storage import open_storage, without_password
from gtn_nas.search.worker import WORKER

COMMAND = [sys.executable, "-m", "gtn_nas"]
SEARCH = ["search", "--proxy", "params", "--threads", "1", "--train-limit", "128", "--set", "recipe.epochs=1"]


def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["gtn-nas", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_workers_share_the_study_and_the_parent_verifies(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'nas.db'}"
    many = 100  # enough for the second to come, however late it is
    words = ["--trials", str(many), "--workers", "2", "--sampler", "random", "--verify", "1", "--storage", storage]
    done = subprocess.run([*COMMAND, *SEARCH, *words, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["trials"], len(found["verified"])) == (many, 1)
    study = load_study(storage, "cnn_small-digits")
    assert len(settled_trials(study)) == many
    assert len({trial.user_attrs[WORKER]["pid"] for trial in study.trials}) == 2


def test_workers_stop_when_the_parents_budget_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = f"sqlite:///{tmp_path / 'nas.db'}"
    words = [*SEARCH, "--trials", "1000000", "--workers", "2", "--time-budget", "2s", "--storage", storage]
    monkeypatch.setattr(sys, "argv", ["gtn-nas", *words])

    def late(crew: Crew, words: Sequence[str], done: Callable[[], bool]) -> None:
        time.sleep(2)
        command = [*COMMAND, *words, "--worker", "0"]
        assert subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0
        assert done()

    monkeypatch.setattr("gtn_nas.cli.search_views.run_crew", late)
    with pytest.raises(SystemExit):
        main()
    assert load_study(storage, "cnn_small-digits").trials == []


def test_ctrl_c_ends_all_workers_and_leaves_nothing_running(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'nas.db'}"
    words = ["--trials", "100000", "--workers", "2", "--storage", storage, "--study", "workers"]
    parent = subprocess.Popen(
        [*COMMAND, *SEARCH, *words],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    deadline = time.monotonic() + 120
    path = tmp_path / "nas.db"
    while time.monotonic() < deadline and not (path.exists() and "workers" in names(storage)):
        time.sleep(0.2)
    study = load_study(storage, "workers")
    while time.monotonic() < deadline and len(settled_trials(study)) < 4:
        time.sleep(0.2)
    pids = {trial.user_attrs[WORKER]["pid"] for trial in settled_trials(study)}
    assert pids
    parent.send_signal(signal.SIGINT)
    _, said = parent.communicate(timeout=60)
    assert parent.returncode == 130, said
    assert not study.get_trials(states=(TrialState.RUNNING,)), said
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_served_storage_is_shared_by_two_workers(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    behind, served = f"sqlite:///{tmp_path / 'nas.db'}", f"grpc://127.0.0.1:{port}"
    serve = [*COMMAND, "storage", "serve", "--storage", behind, "--port", str(port)]
    with running(serve) as server:
        words = [*COMMAND, *SEARCH, "--trials", "60", "--workers", "2", "--storage", served, "--json"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["trials"] == 60
        assert server.poll() is None
    study = load_study(behind, "cnn_small-digits")
    assert len(settled_trials(study)) == 60
    assert len({trial.user_attrs[WORKER]["pid"] for trial in study.trials}) == 2


def test_workers_that_fail_are_reported(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="all 2 workers have ended before the search did; unknown engine 'abacus'"):
        run_crew(Crew(2, 1), ["search", "--engine", "abacus"], lambda: False)
    said = " ".join(capfd.readouterr().err.split())
    assert "worker 1 of 2 has ended: unknown engine 'abacus'" in said
    assert "worker 2 of 2 has ended" in said


def test_what_workers_cannot_share_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(monkeypatch, capsys, "search", "--workers", "2")
    assert "--workers 2 share a study, which must lie in a storage; add --storage sqlite:///nas.db" in said
    rounds = ["--workers", "2", "--storage", "sqlite:///none.db", "--verify", "8", "--calibrate-every", "8"]
    assert "--calibrate-every calibrates in one process" in refused(monkeypatch, capsys, "search", *rounds)


def test_a_missing_driver_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gtn_nas.extras.find_spec", lambda name: None)
    for url, extra in {"postgresql://me:secret@host/nas": "postgresql", "grpc://host:13000": "grpc"}.items():
        with pytest.raises(UserError, match=rf"pip install '\.\[{extra}\]'") as refusal:
            open_storage(url)
        assert "secret" not in str(refusal.value)


def test_wrong_addresses_are_refused() -> None:
    with pytest.raises(UserError, match="a served storage is grpc://host:port, but got 'grpc://host'"):
        open_storage("grpc://host")
    with pytest.raises(UserError, match="mysql://host/nas' needs the package MySQLdb"):
        open_storage("mysql://host/nas")


def test_passwords_are_not_shown() -> None:
    assert without_password("postgresql://me:secret@host:5432/nas") == "postgresql://me:***@host:5432/nas"
    assert without_password("grpc://host:13000") == "grpc://host:13000"


@contextmanager
def running(words: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def names(storage: str) -> list[str]:
    try:
        return optuna.get_all_study_names(open_storage(storage))
    except (UserError, OSError):  # the tables are being made
        return []
