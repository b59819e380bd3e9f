"""The outer loop: it learns, it is deterministic, it resumes."""

from __future__ import annotations

import itertools
import math
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gtn_nas.errors import UserError
from gtn_nas.meta import MetaConfig, MetaTrainer, OuterStep
from gtn_nas.meta.checkpoint import CHECKPOINT, restore_checkpoint, save_checkpoint
from gtn_nas.meta.exam import MetaGradient
from gtn_nas.meta.learner import Learner
from gtn_nas.meta.mixed import mixed
from gtn_nas.meta.train import measure_quality, start_training, train_teacher
from gtn_nas.meta.validation import Validation
from gtn_nas.space import Architecture, ImageTask
from gtn_nas.task import Task, load_task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.frozen import FrozenTeacher, load_teacher
from search_spaces.cnn_small import CnnSmall
from tests.meta.conftest import SMALL, stopped_and_resumed

TINY = TeacherConfig(steps=4, batch_size=10, latent=8, width=4, warm_start=3)


def start(task: Task, config: TeacherConfig = TINY, **settings: object) -> MetaTrainer:
    options = {"iterations": 4, "real_batch": 32, "exam_every": 2, "validation_architectures": 2, **settings}
    return start_training(task, CnnSmall(), config, MetaConfig(**options), None)


def finish(trainer: MetaTrainer) -> None:
    while not trainer.finished:
        trainer.step()


def weights(trainer: MetaTrainer) -> torch.Tensor:
    return torch.cat([p.detach().reshape(-1) for p in trainer.teacher.parameters()])


def test_every_part_of_the_teacher_moves(digits: Task) -> None:
    trainer = start(digits)
    before = {name: p.clone() for name, p in trainer.teacher.named_parameters()}
    trainer.step()
    for name, parameter in trainer.teacher.named_parameters():
        assert not torch.equal(before[name], parameter), name


def test_meta_training_lowers_the_meta_loss(digits: Task) -> None:
    class OneArchitecture(CnnSmall):
        def sample(self, rng: np.random.Generator) -> Architecture:
            return self.validate(SMALL)

    config = TINY.model_copy(update={"learning_rate": 0.01, "warm_start": 0})
    settings = MetaConfig(iterations=40, real_batch=200, exam_every=4, learning_rate=0.005, latent_rate=0.02)
    trainer = start_training(digits, OneArchitecture(), config, settings, None)
    losses = [trainer.step().loss for _ in range(40)]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])


def test_the_same_seed_gives_the_same_teacher(digits: Task) -> None:
    first, second, other = start(digits), start(digits), start(digits, seed=1)
    for trainer in (first, second, other):
        trainer.step()
    assert torch.equal(weights(first), weights(second))
    assert not torch.equal(weights(first), weights(other))


@pytest.mark.parametrize("after", [1, 3])
def test_resuming_is_exact(digits: Task, tmp_path: Path, after: int) -> None:
    whole = start(digits)
    for _ in range(4):
        whole.step()
    cut = start(digits)
    for _ in range(after):
        cut.step()
    save_checkpoint(cut, tmp_path)
    resumed = start(digits)
    restore_checkpoint(resumed, tmp_path)
    assert len(resumed.curve) == after
    while not resumed.finished:
        resumed.step()
    assert torch.equal(weights(whole), weights(resumed))
    assert [s.loss for s in whole.curve] == [s.loss for s in resumed.curve]


def test_an_interrupted_training_leaves_a_checkpoint(digits: Task, tmp_path: Path) -> None:
    settings = MetaConfig(iterations=4, real_batch=32, exam_every=2)
    resumed = stopped_and_resumed(2, digits, CnnSmall(), TINY, settings, tmp_path)
    whole = train_teacher(digits, CnnSmall(), TINY, settings, tmp_path / "whole")
    assert resumed.fingerprint == whole.fingerprint == load_teacher(tmp_path).fingerprint
    assert resumed.card["outer_steps"] == 4
    assert 0 <= resumed.card["quality"]["mean_validation_accuracy"] <= 1


def test_the_quality_of_a_teacher_can_be_measured_again(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    class Dropping(CnnSmall):
        def build(self, architecture: Architecture, task: ImageTask) -> nn.Module:
            return nn.Sequential(nn.Dropout(0.3), super().build(architecture, task))

    graded = []
    for unrelated in (1, 2):
        torch.manual_seed(unrelated)
        graded.append(measure_quality(tiny_teacher, digits, Dropping(), Dropping().sample_many(2, 0)))
    assert graded[0] == graded[1]


def test_resuming_with_other_settings_says_which(digits: Task, tmp_path: Path) -> None:
    save_checkpoint(start(digits), tmp_path)
    with pytest.raises(UserError, match=r"meta\.seed = 0, this run has 1"):
        restore_checkpoint(start(digits, seed=1), tmp_path)
    with pytest.raises(UserError, match=r"teacher\.steps = 4, this run has 3"):
        restore_checkpoint(start(digits, TINY.model_copy(update={"steps": 3})), tmp_path)
    with pytest.raises(UserError, match=r"meta\.validation_architectures = 2, this run has 3"):
        restore_checkpoint(start(digits, validation_architectures=3), tmp_path)  # others are held out, too
    fewer = load_task("digits", train_limit=100)
    with pytest.raises(UserError, match=r"was made with another data set, or other images of it \(--train-limit\);"):
        restore_checkpoint(start(fewer), tmp_path)


def test_no_or_damaged_checkpoint(digits: Task, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no checkpoint"):
        restore_checkpoint(start(digits), tmp_path)
    (tmp_path / CHECKPOINT).write_bytes(b"not a checkpoint")
    with pytest.raises(UserError, match="is damaged"):
        restore_checkpoint(start(digits), tmp_path)


@pytest.mark.parametrize(
    ("given", "steps"),
    [
        ({}, 1000),
        ({"minutes": 5}, math.inf),
        ({"iterations": 7}, 7),
        ({"iterations": 7, "minutes": 5}, 7),
    ],
)
def test_a_training_ends_by_what_is_given(given: dict[str, float], steps: float) -> None:
    assert MetaConfig(**given).outer_steps == steps


def test_the_clock_ends_a_training(digits: Task) -> None:
    trainer = start(digits, iterations=None, minutes=0.02)
    while not trainer.finished:
        trainer.step()
    assert 1 <= len(trainer.curve) < 100
    assert trainer.taken.wall >= 1.2


@pytest.mark.parametrize("engine", ["unrolled", "higher"])
def test_every_engine_moves_the_teacher_alike(digits: Task, engine: str) -> None:
    config = TINY.model_copy(update={"inner": "momentum"})
    mixed, other, still = start(digits, config), start(digits, config, engine=engine), start(digits, config)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # higher's own, on modern torch
        steps = [trainer.step() for trainer in (mixed, other)]
    assert steps[0].loss == pytest.approx(steps[1].loss, rel=1e-4)
    moved = torch.nn.functional.cosine_similarity(
        weights(mixed) - weights(still), weights(other) - weights(still), dim=0
    )
    assert float(moved) > 0.99


def test_several_learners_are_averaged(digits: Task) -> None:
    trainer = start(digits, learners=3)
    step = trainer.step()
    assert step.number == 0
    assert math.isfinite(step.loss)
    alone = start(digits).step()
    assert step.loss != alone.loss


def test_the_card_has_the_seconds_of_all_runs(digits: Task, tmp_path: Path) -> None:
    def train(iterations: int, resume: bool = False) -> dict[str, Any]:
        settings = MetaConfig(iterations=iterations, real_batch=32, exam_every=2, validate_every=0)
        return train_teacher(digits, CnnSmall(), TINY, settings, tmp_path, resume=resume).card

    first, both = train(1), train(2, resume=True)
    assert 0 < first["cpu_seconds"] < both["cpu_seconds"]
    assert 0 < first["seconds"] < both["seconds"]


def test_a_learner_of_huge_gradient_does_not_drown_the_others(digits: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of three learners has a gradient a thousand times as long; all count alike in the mean."""
    huge = itertools.cycle([1.0, 1.0, 1e3])

    def engine(learner: Learner, *rest: Any, **options: Any) -> MetaGradient:
        found = mixed(learner, *rest, **options)
        size = next(huge)
        found.images.mul_(size)
        return replace(found, hyper={name: size * slopes for name, slopes in found.hyper.items()})

    def gradient() -> torch.Tensor:
        trainer = start(digits, learners=3, clip=1e-4)
        trainer.step()
        return torch.cat([p.grad.flatten() for p in trainer._parameters if p.grad is not None])

    alike = gradient()
    monkeypatch.setattr("gtn_nas.meta.trainer.mixed", engine)
    torch.testing.assert_close(gradient(), alike, rtol=1e-3, atol=1e-9)


def test_training_stops_when_nearly_all_learners_diverge(digits: Task) -> None:
    hopeless = TINY.model_copy(update={"inner": "sgd", "learning_rate": 1e30, "warm_start": 0})
    trainer = start(digits, hopeless, iterations=100, learners=10)
    with pytest.raises(UserError, match=r"100% of the latest 40 learners diverged; lower the inner learning rate"):
        finish(trainer)
    assert [step.diverged for step in trainer.curve] == [10] * 4
    assert torch.isfinite(weights(trainer)).all()


def test_an_interruption_within_an_update_leaves_the_last_checkpoint(digits: Task, tmp_path: Path) -> None:
    settings = MetaConfig(iterations=4, real_batch=32, exam_every=2)

    def interrupt(trainer: MetaTrainer, step: OuterStep) -> None:
        def torn() -> None:
            raise KeyboardInterrupt

        trainer._update = torn

    with pytest.raises(KeyboardInterrupt):
        train_teacher(digits, CnnSmall(), TINY, settings, tmp_path, on_step=interrupt)
    resumed = train_teacher(digits, CnnSmall(), TINY, settings, tmp_path, resume=True)
    assert resumed.fingerprint == train_teacher(digits, CnnSmall(), TINY, settings, tmp_path / "whole").fingerprint


def test_dropout_follows_from_the_seed(digits: Task) -> None:
    class Dropping(CnnSmall):
        def build(self, architecture: Architecture, task: ImageTask) -> nn.Module:
            return nn.Sequential(nn.Dropout(0.3), super().build(architecture, task))

    found = []
    for unrelated in (1, 2):
        trainer = start_training(digits, Dropping(), TINY, MetaConfig(iterations=2, real_batch=32), None)
        torch.manual_seed(unrelated)  # what else the process has drawn plays no part
        trainer.step()
        found.append(weights(trainer))
    assert torch.equal(*found)


def test_memory_and_processes_may_change_when_resuming(digits: Task, tmp_path: Path) -> None:
    whole = start(digits, learners=2)
    whole.step()
    save_checkpoint(whole, tmp_path)
    restore_checkpoint(start(digits, learners=2, memory_budget=0), tmp_path)
    with pytest.raises(UserError, match="learners of all processes = 2, this run has 3"):
        restore_checkpoint(start(digits, learners=3), tmp_path)


def test_the_optimisers_own_rate_is_the_default(digits: Task) -> None:
    falling = [0.05, 0.035, 0.02, 0.005]
    for inner, rates in (("adam", [0.002] * 4), ("sgd", [0.05] * 4), ("muon", falling)):
        trainer = start(digits, TINY.model_copy(update={"inner": inner}))
        assert trainer.teacher.schedule()["lr"].tolist() == pytest.approx(rates)
    trainer = start(digits, TINY.model_copy(update={"inner": "muon", "learning_rate": 0.1, "learning_rate_decay": 1.0}))
    assert trainer.teacher.schedule()["lr"].tolist() == pytest.approx([0.1] * 4)


@pytest.mark.parametrize(
    "settings",
    [
        {"curriculum": "random"},
        {"curriculum": "all_shuffled", "targets": "learned"},
        {"kind": "distilled_pixels"},
        {"kind": "distilled_components"},
        {"kind": "real", "warm_start": 0},
        {"targets": "soft"},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_every_kind_of_teacher_learns_and_resumes(digits: Task, tmp_path: Path, settings: dict[str, object]) -> None:
    config = TINY.model_copy(update=settings)
    whole = start(digits, config)
    before = {name: p.clone() for name, p in whole.teacher.named_parameters() if p.requires_grad}
    whole.step()
    for name, parameter in whole.teacher.named_parameters():
        assert not parameter.requires_grad or not torch.equal(before[name], parameter), name
    save_checkpoint(whole, tmp_path)
    meta = whole.config
    resumed = start_training(digits, CnnSmall(), config, meta, tmp_path)
    whole.step()
    resumed.step()
    assert torch.equal(weights(whole), weights(resumed))
    assert torch.equal(whole.lesson().images, resumed.lesson().images)


def test_the_best_validated_teacher_is_kept(digits: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = iter([0.3, 0.8, 0.5])
    lessons = []

    def pretend(teacher: FrozenTeacher, *arguments: object) -> Validation:
        lessons.append(teacher.lesson)
        return Validation(int(arguments[4]), next(figures))

    monkeypatch.setattr("gtn_nas.meta.train.validate", pretend)
    settings = MetaConfig(iterations=5, real_batch=32, exam_every=2, validate_every=2, validation_architectures=2)
    frozen = train_teacher(digits, CnnSmall(), TINY, settings, tmp_path)
    assert [found["outer_steps"] for found in frozen.card["validation"]] == [2, 4, 5]
    assert torch.equal(frozen.lesson.images, lessons[1].images)
    assert len(frozen.card["chosen_on"]) == 2


def test_the_averaged_teacher_lags_behind(digits: Task) -> None:
    averaged, latest = start(digits, averaging=0.5), start(digits, averaging=0.0)
    rates = []
    for trainer in (averaged, latest):
        for _ in range(2):
            trainer.step()
            rates.append(trainer.teacher.schedule.raw["lr"].detach().clone())
    assert torch.equal(rates[1], rates[3])
    assert torch.allclose(averaged.average.module.schedule.raw["lr"], rates[0] + (rates[1] - rates[0]) * (1 - 2 / 11))
    assert torch.equal(latest.lesson().images, latest.teacher(0).images.detach())


def test_a_growing_lesson_begins_short(digits: Task) -> None:
    trainer = start(digits, growth=1.0, iterations=4)
    before = {name: values.detach().clone() for name, values in trainer.teacher.schedule().items()}
    trainer.step()
    moved = trainer.teacher.schedule()["lr"] != before["lr"]
    assert moved.tolist() == [True, False, False, False]


def test_what_is_held_out_belongs_to_the_checkpoint(digits: Task, tmp_path: Path) -> None:
    save_checkpoint(start(digits), tmp_path)
    with pytest.raises(UserError, match=r"meta.validation_architectures = 2, this run has 3"):
        restore_checkpoint(start(digits, validation_architectures=3), tmp_path)
