"""Sampling that favours what is ranked badly."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from gtn_nas.errors import UserError
from gtn_nas.meta import MetaConfig, MetaTrainer
from gtn_nas.meta.draw import draw_architecture
from gtn_nas.meta.misplaced import misplaced, odds_by_place
from gtn_nas.meta.train import start_training, train_teacher
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from search_spaces.cnn_small import CnnSmall
from tests.meta.conftest import stopped_and_resumed

SPACE = CnnSmall()
TINY = TeacherConfig(steps=4, batch_size=10, latent=8, width=4, warm_start=3)
TRUTH = [(architecture, 0.5 + 0.01 * number) for number, architecture in enumerate(SPACE.sample_many(14, 3))]
CONFIG = MetaConfig(
    iterations=4,
    real_batch=32,
    sampling="misplaced",
    ranking_architectures=12,
    validation_architectures=2,
    validate_every=2,
)


def test_places_are_those_that_are_missed() -> None:
    accuracies = [0.9, 0.8, 0.7, 0.6]
    assert misplaced([0.1, 0.2, 0.3, 0.4], accuracies) == (0, 0, 0, 0)
    assert misplaced([0.4, 0.1, 0.2, 0.3], accuracies) == (0.75, -0.25, -0.25, -0.25)
    assert misplaced([0.1, math.nan, 0.3, 0.4], accuracies) == (0, 0.5, -0.25, -0.25)  # the diverged one is last
    assert misplaced([0.5, 0.5, 0.5, 0.5], accuracies) == (0.375, 0.125, -0.125, -0.375)


def test_what_stands_too_low_is_drawn_more_often() -> None:
    known = SPACE.sample_many(40, 0)
    flat = odds_by_place(SPACE, known, [0.3 if one["head"] == "flatten" else -0.1 for one in known])
    none = odds_by_place(SPACE, known, [0.0] * len(known))

    def share(odds: object) -> float:
        rng = np.random.default_rng(0)
        return float(np.mean([draw_architecture(rng, SPACE, odds)["head"] == "flatten" for _ in range(200)]))

    assert share(flat) > 1.5 * share(none)
    assert share(none) == pytest.approx(share(lambda candidates: np.ones(len(candidates))))


def test_where_places_follow_nothing_all_are_nearly_alike() -> None:
    known, rng = SPACE.sample_many(40, 0), np.random.default_rng(0)
    odds = odds_by_place(SPACE, known, rng.normal(size=40).tolist())(SPACE.sample_many(200, 1))
    learned = odds_by_place(SPACE, known, [float(one["norm"] == "batch") for one in known])(SPACE.sample_many(200, 1))
    assert np.log(odds).std() < 0.3 * np.log(learned).std()


def test_it_looks_at_the_order_as_often_as_it_validates_and_resumes(digits: Task, tmp_path: Path) -> None:
    looks = []

    def note(trainer: MetaTrainer, _: object) -> None:
        looks.append(trainer.look.outer_steps)

    whole = train_teacher(digits, SPACE, TINY, CONFIG, tmp_path / "whole", truth=TRUTH, on_step=note)
    assert looks == [0, 0, 2, 2]
    assert len(whole.card["chosen_on"]) == 14
    resumed = stopped_and_resumed(3, digits, SPACE, TINY, CONFIG, tmp_path / "cut", TRUTH)
    assert torch.equal(whole.lesson.images, resumed.lesson.images)


def test_what_it_needs() -> None:
    with pytest.raises(ValidationError, match="looks at the order at every validation"):
        MetaConfig(sampling="misplaced", validate_every=0)
    with pytest.raises(ValidationError, match=r"leave meta\.sampling as it is"):
        MetaConfig(sampling="small", ranking=0.5, learners=2)


def test_it_needs_a_truth_table(digits: Task) -> None:
    with pytest.raises(UserError, match="takes 14 architectures of a truth table, 2 of them for validation, but has 0"):
        start_training(digits, SPACE, TINY, CONFIG, None)
