"""What the dashboard shows of a search: note, figures, the teacher's images, served on the loopback."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import optuna
import pytest

from gtn_nas.dashboard import (
    artifact_folder,
    curves_figure,
    keep_teacher_images,
    serve,
    show_study,
    study_note,
    verified_figure,
)
from gtn_nas.dashboard import show as show_module
from gtn_nas.errors import UserError
from gtn_nas.proxy import Gtn, Params
from gtn_nas.search import Goal, Limits, best_trials, make_sampler, open_study, search, verify
from gtn_nas.task import Task
from gtn_nas.teacher.frozen import FrozenTeacher
from gtn_nas.training import Recipe
from search_spaces.cnn_small import CnnSmall

SPACE = CnnSmall()


@pytest.fixture
def storage(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'nas.db'}"


@pytest.fixture
def study(digits: Task, tiny_teacher: FrozenTeacher, storage: str) -> optuna.Study:
    proxy = Gtn(SPACE, digits, tiny_teacher)
    made = open_study(storage, "s", proxy, 1, make_sampler("random", 0, SPACE), Goal(limits=Limits(params=200_000)))
    search(made, proxy, trials=4, seeds=1)
    verify(made, proxy, best_trials(made, 2), Recipe(epochs=1))
    return made


def test_the_note_says_how_to_read_the_study(study: optuna.Study, storage: str, tiny_teacher: FrozenTeacher) -> None:
    from optuna_dashboard import get_note

    show_study(study, storage, tiny_teacher)
    note = get_note(study)
    assert note == study_note(study)
    assert note.startswith("# cnn_small on digits")
    assert "200,000 params" in note
    assert "after the teacher's short synthetic lesson" in note
    for trial in best_trials(study, 2):
        assert f"| {trial.number} | " in note
    (picture,) = artifact_folder(storage).iterdir()
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"/artifacts/{study._study_id}/{picture.name}" in note


def test_showing_twice_leaves_one_of_everything(study: optuna.Study, storage: str, tiny_teacher: FrozenTeacher) -> None:
    for _ in range(2):
        show_study(study, storage, tiny_teacher)
    assert len(list(artifact_folder(storage).iterdir())) == 1
    graphs = [name for name in study._storage.get_study_system_attrs(study._study_id) if "plot_data" in name]
    assert len({name.split(":")[1] for name in graphs}) <= 2


def test_figures_hold_the_curves_and_the_verified(study: optuna.Study, digits: Task) -> None:
    curves, verified = curves_figure(study), verified_figure(study)
    assert curves is not None
    assert verified is not None
    assert len(curves.data) == len(best_trials(study, 20))
    best = best_trials(study, 1)[0]
    assert list(curves.data[0].y) == [accuracy for _, accuracy in best.user_attrs["curve"]]
    assert len(verified.data[0].x) == 2
    counted = Params(SPACE, digits)
    plain = open_study(None, "p", counted, 1, make_sampler("random", 0, SPACE))
    search(plain, counted, trials=2, seeds=1)
    assert curves_figure(plain) is None
    assert verified_figure(plain) is None
    assert "None yet" in study_note(plain)


def test_pictures_lie_beside_the_file_or_among_the_users_data(tmp_path: Path) -> None:
    assert artifact_folder(f"sqlite:///{tmp_path}/nas.db") == tmp_path / "nas.db.artifacts"
    folders = {artifact_folder(f"postgresql://host/{name}") for name in ("a", "b")}
    assert len(folders) == 2


def test_the_dashboard_is_served_on_the_loopback(
    study: optuna.Study, storage: str, tiny_teacher: FrozenTeacher, tmp_path: Path
) -> None:
    keep_teacher_images(study, tiny_teacher, artifact_folder(storage))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gtn_nas", "dashboard", "--storage", storage, "--port", str(port)]
    log = tmp_path / "server.log"
    with log.open("wb") as said, subprocess.Popen(command, stdout=said, stderr=said) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(port, server, log)
            assert f"open {address}/" in log.read_text()
            assert b"cnn_small" in _fetch(f"{address}/api/studies/{study._study_id}")
            kept = study.user_attrs["teacher_images"]["artifact"]
            assert _fetch(f"{address}/artifacts/{study._study_id}/{kept}").startswith(b"\x89PNG")
        finally:
            server.kill()


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server accepts connections; it loads for seconds, and longer on a busy machine."""
    end = time.monotonic() + 200
    while time.monotonic() < end and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise AssertionError(f"no server, exit {server.poll()}: {log.read_text()}")


def _fetch(address: str) -> bytes:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever proxy the machine has
    with direct.open(address, timeout=60) as answer:
        return bytes(answer.read())


def test_without_its_packages_the_command_is_said(monkeypatch: pytest.MonkeyPatch, storage: str) -> None:
    monkeypatch.setattr(show_module, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install '\.\[dashboard\]'"):
        serve(storage, "127.0.0.1", 8080)
