"""What the README shows does what it says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from gtn_nas.cli.settings import Settings, tomllib
from gtn_nas.meta import Learner, inner_optimiser, teach
from gtn_nas.meta.inner import Muon
from gtn_nas.meta.teach import GRADED
from gtn_nas.nets.published import build_published
from gtn_nas.proxy import Gtn
from gtn_nas.proxy.base import SCORE_SEEDS
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.export import export_teacher
from gtn_nas.teacher.frozen import FrozenTeacher
from gtn_nas.teacher.lesson import Lesson
from gtn_nas.teacher.protocol import Protocol
from search_spaces.cnn_small import CnnSmall
from tests.conftest import REPOSITORY, Shape


def test_the_settings_shown_as_defaults_are_the_defaults() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    assert Settings.model_validate(tomllib.loads(block)) == Settings()
    others = re.sub(r"^# (?=\w+ = )", "", block, flags=re.MULTILINE)
    shown = Settings.model_validate(tomllib.loads(others))
    assert (shown.meta.window, shown.meta.growth, shown.teacher.learning_rate) == (16, 0.3, 0.1)


def plain_loop() -> str:
    blocks = re.findall(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    (block,) = [block for block in blocks if "def learn" in block]
    assert "gtn_nas" not in block
    assert len([line for line in block.splitlines() if line.strip()]) <= 28
    return block


@pytest.mark.parametrize("norm", ["batch", "group", "none"])
def test_the_plain_loop_reproduces_the_score(
    norm: str, digits: Task, tiny_teacher: FrozenTeacher, tmp_path: Path
) -> None:
    names: dict[str, Any] = {}
    exec(plain_loop(), names)  # its own imports, nothing of ours
    space, part = CnnSmall(), digits.validation.head(GRADED)
    precise = replace(tiny_teacher, lesson=as_double(tiny_teacher.lesson))
    for name, teacher in (("float32", tiny_teacher), ("float64", precise)):
        export_teacher(teacher, "npz", tmp_path / f"{name}.npz")
    for architecture in [a for a in space.sample_many(12, 1) if a["norm"] == norm][:2]:

        def build() -> nn.Module:
            torch.manual_seed(SCORE_SEEDS + 3)
            return space.build(architecture, digits)  # noqa: B023 # called at once

        # Rounding errors grow while a network learns: what is the same is told apart from what is not in float64.
        learner = Learner(build().double())
        rule, protocol = inner_optimiser("muon"), precise.protocol(digits)
        taught = teach(learner, learner.initial, precise.lesson, rule, protocol)
        expected = learner.predict(taught.theta, part.images.double(), taught.statistics)
        found = names["learn"](build().double(), tmp_path / "float64.npz")(part.images.double())
        torch.testing.assert_close(found.detach(), expected.detach(), atol=1e-6, rtol=1e-6)
        score, _ = Gtn(space, digits, tiny_teacher).measure(architecture, 3)
        logits = names["learn"](build(), tmp_path / "float32.npz")(part.images)
        assert float((logits.argmax(1) == part.labels).float().mean()) == pytest.approx(score, abs=0.06)


def as_double(lesson: Lesson) -> Lesson:
    hyper = {name: values.double() for name, values in lesson.hyper.items()}
    return Lesson(lesson.images.double(), lesson.targets, hyper)


def test_the_plain_loop_knows_every_batch_norm(tmp_path: Path) -> None:
    torch.manual_seed(0)
    images = torch.randn(6, 12, 1, 12, 12, dtype=torch.float64)
    hyper = {name: torch.full((6,), value) for name, value in Muon.hyperparameters.items()}
    lesson = as_double(Lesson(images, torch.arange(72).view(6, 12) % 10, hyper))
    teacher = FrozenTeacher(lesson, TeacherConfig(steps=6, batch_size=12, statistics_batches=2))
    export_teacher(teacher, "npz", tmp_path / "lesson.npz")
    names: dict[str, Any] = {}
    exec(plain_loop(), names)

    def build() -> nn.Module:
        torch.manual_seed(1)
        return build_published("goodai", Shape((1, 12, 12))).double()

    learner = Learner(build())
    taught = teach(learner, learner.initial, lesson, Muon(), Protocol(batches=2))
    expected = learner.predict(taught.theta, images[0], taught.statistics)
    found = names["learn"](build(), tmp_path / "lesson.npz")(images[0])
    torch.testing.assert_close(found.detach(), expected.detach(), atol=1e-6, rtol=1e-6)
