"""A training that is killed at any moment and resumed ends with the same teacher as one that was not."""

from __future__ import annotations

import multiprocessing
import random
from pathlib import Path

import pytest
import torch

from gtn_nas.meta import MetaConfig
from gtn_nas.meta import train as training
from gtn_nas.meta.train import can_resume, train_teacher
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.frozen import load_teacher
from search_spaces.cnn_small import CnnSmall

TEACHER = TeacherConfig(steps=4, batch_size=10, latent=8, width=4, warm_start=3, curriculum="all_shuffled")
META = MetaConfig(iterations=60, real_batch=32, exam_every=2, validate_every=7, validation_architectures=2)
KILLS = 12


def train(task: Task, folder: Path) -> None:
    torch.set_num_threads(1)
    training._CHECKPOINT_SECONDS = 0.0  # after every outer step: a kill meets as many half-written files as can be
    train_teacher(task, CnnSmall(), TEACHER, META, folder, resume=can_resume(folder))


def test_killed_a_dozen_times(digits: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_CHECKPOINT_SECONDS", 30.0)
    context = multiprocessing.get_context("fork")  # a fresh process would load PyTorch for seconds
    rng, kills = random.Random(0), 0
    while kills < KILLS:
        process = context.Process(target=train, args=(digits, tmp_path / "killed"))
        process.start()
        process.join(rng.uniform(0.02, 0.9))
        if process.exitcode == 0:
            break
        assert process.exitcode is None
        process.kill()
        process.join()
        kills += 1
    assert kills >= 10
    train(digits, tmp_path / "killed")
    train(digits, tmp_path / "whole")
    killed, whole = (load_teacher(tmp_path / name) for name in ("killed", "whole"))
    assert killed.fingerprint == whole.fingerprint
    for name in ("validation", "quality", "outer_steps"):
        assert killed.card[name] == whole.card[name]
