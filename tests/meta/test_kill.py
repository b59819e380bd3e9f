"""A training that is killed at any moment and resumed ends with the same teacher as one that was not."""

from __future__ import annotations

import multiprocessing
import random
import time
from pathlib import Path

import pytest
import torch

from gtn_nas.meta import MetaConfig
from gtn_nas.meta import train as training
from gtn_nas.meta.checkpoint import CHECKPOINT
from gtn_nas.meta.train import can_resume, train_teacher
from gtn_nas.space import load_space
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.frozen import CARD, LESSON, load_teacher

TEACHER = TeacherConfig(steps=4, batch_size=10, latent=8, width=4, warm_start=3, curriculum="all_shuffled")
META = MetaConfig(iterations=34, real_batch=32, exam_every=2, validate_every=7, validation_architectures=2)
KILLS = 10


def train(task: Task, folder: Path) -> None:
    torch.set_num_threads(1)
    training._CHECKPOINT_SECONDS = 0.0  # after every outer step: a kill meets as many half-written files as can be
    train_teacher(task, load_space("published[learner=linear]"), TEACHER, META, folder, resume=can_resume(folder))


def wait_for_checkpoints(folder: Path, count: int) -> None:
    """Return when the checkpoint has been written ``count`` times more."""
    path, seen = folder / CHECKPOINT, set()
    deadline = time.monotonic() + 60
    while len(seen) <= count and time.monotonic() < deadline:
        seen.add(path.stat().st_mtime_ns if path.exists() else 0)
        time.sleep(0.001)


def test_killed_ten_times(digits: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_CHECKPOINT_SECONDS", 30.0)  # put back what a child's code sets in this process
    context = multiprocessing.get_context("fork")  # a fresh process would load PyTorch for seconds
    rng = random.Random(0)
    for _ in range(KILLS):
        process = context.Process(target=train, args=(digits, tmp_path / "killed"))
        process.start()
        wait_for_checkpoints(tmp_path / "killed", rng.randrange(3))
        time.sleep(rng.uniform(0, 0.05))  # anywhere: in a step, in a validation, while a file is written
        assert process.exitcode is None
        process.kill()
        process.join()
    train(digits, tmp_path / "killed")
    train(digits, tmp_path / "whole")
    assert {path.name for path in (tmp_path / "killed").iterdir()} == {CARD, LESSON, CHECKPOINT}  # nothing left behind
    killed, whole = (load_teacher(tmp_path / name) for name in ("killed", "whole"))
    assert killed.fingerprint == whole.fingerprint
    for name in ("validation", "quality", "outer_steps"):
        assert killed.card[name] == whole.card[name]
