"""Searches that share a study in a real PostgreSQL server, which the test starts."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import optuna
import pytest
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from gtn_nas.search import settled_trials
from gtn_nas.search.ledger import is_settled
from gtn_nas.search.storage import open_storage
from gtn_nas.search.turns import DEATHS
from gtn_nas.search.worker import WORKER

SPACE = """
import os, time
from pathlib import Path
from optuna.distributions import IntDistribution
from torch import nn
from gtn_nas.space import SearchSpace

class Tiny(SearchSpace):
    name = "tiny"
    parameters = {"a": IntDistribution(1, 9), "b": IntDistribution(1, 9), "c": IntDistribution(1, 9)}

    def build(self, architecture, task):
        time.sleep(0.1)
        with Path(__file__).with_name("built").open("a") as log:
            log.write(f"{os.getpid()} {self.key(architecture)}\\n")
        a, b, c = (architecture[name] for name in "abc")
        return nn.Sequential(nn.Flatten(), nn.Linear(64, a), nn.Linear(a, b), nn.Linear(b, c), nn.Linear(c, 10))
"""


def _programs() -> Path | None:
    """Return where initdb and pg_ctl lie; Debian does not put them on the path."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    elsewhere = shutil.which("initdb")
    return debian[-1].parent if debian else Path(elsewhere).parent if elsewhere else None


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """A private cluster on a socket of its own; its URL."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # not pytest's: the socket's path must be short
    user = "nobody" if os.getuid() == 0 else None  # the server refuses to run as root
    if user is not None:
        shutil.chown(folder, user)

    def run(program: str, *words: str) -> None:
        done = subprocess.run(
            [programs / program, *words], cwd=folder, user=user, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    cluster = str(folder / "data")
    server = f"-k {folder} -c listen_addresses= -c fsync=off"
    try:
        run("initdb", "-D", cluster, "-U", "tester", "-A", "trust", "--no-sync")
        run("pg_ctl", "-D", cluster, "-l", str(folder / "log"), "-o", server, "-w", "start")
        try:
            yield f"postgresql://tester@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", cluster, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def kill_one(study: optuna.Study, log: Path) -> FrozenTrial:
    """Kill a worker by SIGKILL while it scores; return the trial that it loses."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        started = [trial for trial in running if "key" in trial.user_attrs]
        if len(settled_trials(study)) < 4 or not started:
            time.sleep(0.05)
            continue
        pid = started[0].user_attrs[WORKER]["pid"]
        os.kill(pid, signal.SIGSTOP)
        now = study.get_trials(deepcopy=False)[started[0].number]
        if now.state is TrialState.RUNNING:
            os.kill(pid, signal.SIGKILL)
            return now
        os.kill(pid, signal.SIGCONT)
    raise AssertionError(f"no worker scores anything: {log.read_text()}")


@pytest.mark.parametrize(("workers", "trials"), [(2, 16), pytest.param(4, 200, marks=pytest.mark.slow)])
def test_no_candidate_is_lost_or_scored_twice_though_a_worker_is_killed(
    postgresql: str, tmp_path: Path, workers: int, trials: int
) -> None:
    (tmp_path / "tiny.py").write_text(SPACE, encoding="utf-8")
    name = f"{workers}-workers"
    words = ["search", "--space", f"{tmp_path / 'tiny.py'}:Tiny", "--proxy", "params", "--trials", str(trials)]
    words += ["--workers", str(workers), "--storage", postgresql, "--study", name, "--threads", "1", "--json"]
    with (tmp_path / "said").open("w") as said:
        parent = subprocess.Popen([sys.executable, "-m", "gtn_nas", *words], stdout=subprocess.PIPE, stderr=said)
    storage, deadline = open_storage(postgresql), time.monotonic() + 120
    try:
        while name not in optuna.get_all_study_names(storage):
            assert time.monotonic() < deadline, (tmp_path / "said").read_text()
            time.sleep(0.2)
        study = optuna.load_study(study_name=name, storage=storage)
        lost = kill_one(study, tmp_path / "said")
        printed, _ = parent.communicate(timeout=240)
        found = study.trials
    finally:
        parent.kill()
        storage._backend.engine.dispose()  # psycopg warns of connections that are left to the garbage collector
    said_words = (tmp_path / "said").read_text()
    assert parent.returncode == 0, said_words
    assert "has ended: killed by signal 9" in said_words
    assert json.loads(printed)["trials"] == trials == sum(map(is_settled, found))
    assert all(trial.state.is_finished() for trial in found)
    assert found[lost.number].state is TrialState.FAIL
    again = [trial for trial in found if trial.user_attrs.get(DEATHS) == [lost.number]]
    assert [trial.params for trial in again] == [lost.params]
    assert again[0].state is TrialState.COMPLETE
    built = {tuple(line.split(" ", 1)) for line in (tmp_path / "built").read_text().splitlines()}
    twice = (str(lost.user_attrs[WORKER]["pid"]), lost.user_attrs["key"])  # what the killed one had begun
    times = Counter(key for pid, key in built if (pid, key) != twice)
    assert set(times.values()) == {1}
    assert len({pid for pid, _ in built}) == workers


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # tries that failed leave their connections
def test_searches_may_begin_everywhere_at_once(postgresql: str) -> None:
    """The first ones all find an empty database, and each wants to make its tables."""
    import psycopg

    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("CREATE DATABASE fresh")
    url = postgresql.replace("/postgres?", "/fresh?")
    together = threading.Barrier(4)

    def begin(_: int) -> BaseStorage:
        together.wait()
        return open_storage(url)

    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(begin, range(4)))
    for storage in opened:
        assert optuna.get_all_study_names(storage) == []
        storage._backend.engine.dispose()
    gc.collect()  # now, while its warnings are ignored
