"""One run in two processes on this machine, started as a user would."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from gtn_nas.meta.checkpoint import CHECKPOINT
from gtn_nas.processes import ALONE, World
from gtn_nas.teacher.frozen import load_teacher

SETTINGS = [
    *("--iterations", "2", "--threads", "1"),
    *("--set", "teacher.steps=3", "--set", "teacher.batch_size=10", "--set", "teacher.latent=8"),
    *("--set", "teacher.width=4", "--set", "teacher.warm_start=3", "--set", "meta.real_batch=32"),
]
FATAL = """
import os, signal
from search_spaces.cnn_small import CnnSmall

class Fatal(CnnSmall):
    built = 0
    def build(self, architecture, task):
        Fatal.built += 1
        if os.environ.get("RANK") == "1" and Fatal.built == 9:  # for its second step: seven show that the space is fit
            os.kill(os.getpid(), signal.SIGKILL)
        return super().build(architecture, task)
"""


def command(out: Path, *options: str, space: str = "cnn_small") -> list[str]:
    verb = ["-m", "gtn_nas", "train-teacher", "--data", "digits", "--space", space]
    return [*verb, "--out", str(out), *SETTINGS, *options]


def start(words: list[str], **environment: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", **environment}
    return subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate(timeout=200)
    return process.returncode, " ".join(said.split())


def test_two_processes_take_the_steps_of_one_with_two_learners(tmp_path: Path) -> None:
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    status, said = finish(start([*launch, *command(tmp_path / "apart")]))
    assert status == 0, said
    assert said.count("teacher saved to") == 1
    status, said = finish(start(command(tmp_path / "together", "--set", "meta.learners=2")))
    assert status == 0, said
    one, two = load_teacher(tmp_path / "apart"), load_teacher(tmp_path / "together")
    torch.testing.assert_close(one.lesson.images, two.lesson.images, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(one.lesson.hyper["lr"], two.lesson.hyper["lr"], atol=0, rtol=1e-4)
    assert [round(step["loss"], 3) for step in one.card["curve"]] == [round(s["loss"], 3) for s in two.card["curve"]]
    assert (one.card["processes"], two.card["processes"]) == (2, 1)


def test_a_process_that_dies_ends_the_run_with_a_usable_checkpoint(tmp_path: Path) -> None:
    space = tmp_path / "fatal.py"
    space.write_text(FATAL)
    out, words = tmp_path / "teacher", command(tmp_path / "teacher", space=f"{space}:Fatal")
    address = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    started = time.monotonic()
    leader, other = (start(words, RANK=str(rank), **address) for rank in (0, 1))
    assert finish(other)[0] == -signal.SIGKILL
    status, said = finish(leader)
    assert time.monotonic() - started < 60  # no hang
    assert status == 2, said
    assert "another process of this run has ended or is silent" in said
    assert "--resume" in said
    assert (out / CHECKPOINT).is_file()
    status, said = finish(start([*words, "--resume", "--set", "meta.learners=2"]))  # as many, in one process
    assert status == 0, said
    assert load_teacher(out).card["outer_steps"] == 2


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_alone_nothing_is_exchanged(tmp_path: Path) -> None:
    tensor = torch.ones(3)
    ALONE.average([tensor])
    ALONE.follow_leader([tensor])
    assert tensor.tolist() == [1.0, 1.0, 1.0]
    (tmp_path / "file").write_bytes(b"content")
    assert ALONE.read_leaders(tmp_path / "file") == b"content"
    assert ALONE.read_leaders(tmp_path / "none") == b""


@pytest.mark.parametrize(("rank", "leads"), [(0, True), (1, False)])
def test_the_first_process_leads(rank: int, leads: bool) -> None:
    assert World(rank, 2).leads is leads
