"""Training to rank: the objective, its slopes, and what it does to a teacher."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from gtn_nas.errors import UserError
from gtn_nas.meta import MetaConfig, MetaTrainer
from gtn_nas.meta.draw import Pupil
from gtn_nas.meta.held_out import hold_out
from gtn_nas.meta.ranking import ranking_loss, shares
from gtn_nas.meta.train import start_training, train_teacher
from gtn_nas.processes import World
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from search_spaces.cnn_small import CnnSmall
from tests.meta.conftest import stopped_and_resumed

SPACE = CnnSmall()
TINY = TeacherConfig(steps=4, batch_size=10, latent=8, width=4, warm_start=3)
TRUTH = [(architecture, 0.5 + 0.01 * number) for number, architecture in enumerate(SPACE.sample_many(12, 3))]


def start(task: Task, config: TeacherConfig = TINY, **settings: object) -> MetaTrainer:
    options = {"iterations": 4, "real_batch": 64, "exam_every": 4, "validation_architectures": 2, "learners": 4}
    meta = MetaConfig(**{**options, "ranking": 0.5, "ranking_architectures": 8, **settings})
    return start_training(task, SPACE, config, meta, None, truth=TRUTH)


def test_the_right_order_costs_less_than_the_wrong_one() -> None:
    accuracies = torch.tensor([0.9, 0.8, 0.7, 0.6])
    right, wrong = torch.tensor([0.1, 0.2, 0.3, 0.4]), torch.tensor([0.4, 0.3, 0.2, 0.1])
    assert ranking_loss(right, accuracies) < ranking_loss(wrong, accuracies)
    assert ranking_loss(right, torch.full((4,), 0.5)) == 0
    # In the losses' own unit: the pull does not vanish, or blow up, where learners are alike.
    assert ranking_loss(10 * wrong, accuracies) == pytest.approx(10 * float(ranking_loss(wrong, accuracies)))


def test_slopes_are_those_of_the_objective() -> None:
    rng = np.random.default_rng(0)
    losses, accuracies, share = rng.uniform(0.5, 1.5, 6), rng.uniform(size=6), 0.3
    spread = torch.tensor(losses).std(correction=0)

    def objective(values: np.ndarray) -> float:
        z = values / float(spread)  # the unit is a constant of the step
        pairs = [(i, j) for i in range(6) for j in range(6) if accuracies[i] > accuracies[j]]
        ranked = float(spread) * np.mean([math.log1p(math.exp(z[i] - z[j])) for i, j in pairs])
        return (1 - share) * float(values.mean()) + share * ranked

    found = shares(losses.tolist(), accuracies.tolist(), share)
    for index in range(6):
        step = np.eye(6)[index] * 1e-6
        slope = (objective(losses + step) - objective(losses - step)) / 2e-6
        assert found[index] == pytest.approx(slope, abs=1e-8)
    assert sum(found) == pytest.approx(1 - share)  # ranking alone moves no mean


def test_a_diverged_learner_takes_no_part_in_the_order() -> None:
    alone = shares([0.2, 0.4], [0.5, 0.9], 1.0)
    assert shares([0.2, math.nan, 0.4], [0.5, 0.1, 0.9], 1.0) == pytest.approx([alone[0], 0.0, alone[1]])
    assert shares([math.nan, 0.4], [0.5, 0.9], 0.5) == [0.25, 0.25]


def test_a_step_takes_the_tables_architectures_and_one_exam(digits: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = start(digits)
    taught: list[Pupil] = []
    original = MetaTrainer._teach
    monkeypatch.setattr(
        MetaTrainer, "_teach", lambda self, pupil, *rest: taught.append(pupil) or original(self, pupil, *rest)
    )
    trainer.step()
    trainer.step()
    assert len(taught) == 8
    assert all(torch.equal(pupil.exam.images, taught[0].exam.images) for pupil in taught[:4])
    assert not torch.equal(taught[0].exam.images, taught[4].exam.images)
    assert len({len(pupil.learner.initial) for pupil in taught[:4]}) > 1
    assert {SPACE.key(a) for a, _ in trainer.held_out.ranked} == {SPACE.key(a) for a, _ in TRUTH[2:10]}


def test_learners_of_all_processes_stand_in_one_order(digits: Task) -> None:
    losses, accuracies = [0.4, 0.9, 0.6, 0.2], [0.7, 0.8, 0.9, 0.6]

    class Half(World):
        def average(self, tensors: Iterable[Tensor]) -> None:
            for mean in tensors:
                theirs = slice(2, 4) if self.leads else slice(0, 2)
                mean[theirs] += 2 * mean.new_tensor(losses[theirs])
                mean /= 2

    def slopes(world: World, learners: int) -> list[float]:
        trainer = start(digits, learners=learners)
        trainer.world = world
        return trainer._slopes(losses[trainer._mine], accuracies)

    apart = [slope / 2 for rank in (0, 1) for slope in slopes(Half(rank, 2), 2)]  # their gradients are averaged
    assert apart == pytest.approx(slopes(World(), 4))


@pytest.mark.slow
def test_ranking_alone_brings_the_losses_into_the_tables_order(digits: Task) -> None:
    """Even into an order that has nothing to do with learning: the table's is by chance."""
    pixels = TINY.model_copy(update={"kind": "distilled_pixels", "targets": "learned", "batch_size": 20})
    rates = {"pixel_rate": 0.1, "target_rate": 0.1, "schedule_rate": 0.02, "final_rate": 1.0, "averaging": 0.0}
    group = {"ranking": 1.0, "ranking_architectures": 3, "learners": 3}
    trainer = start(digits, config=pixels, iterations=20, real_batch=256, **group, **rates)

    def in_order() -> float:
        """Share of pairs of which the more accurate one has the lower loss, over learners not trained on."""
        right = []
        for number in range(100, 106):
            found = trainer._teach_group(number, trainer.teacher(0))
            pairs = itertools.permutations(zip(found, trainer._draw_ranked(number), strict=True), 2)
            right += [a.loss < b.loss for (a, (_, more)), (b, (_, less)) in pairs if more > less]
        return float(np.mean(right))

    before = in_order()
    while not trainer.finished:
        trainer.step()
    assert in_order() > before + 0.1


def test_the_card_names_what_it_was_trained_to_rank(digits: Task, tmp_path: Path) -> None:
    config = MetaConfig(iterations=1, real_batch=32, learners=2, ranking=0.3, ranking_architectures=4)
    config = config.model_copy(update={"validation_architectures": 2})
    frozen = train_teacher(digits, SPACE, TINY, config, tmp_path, truth=TRUTH)
    assert frozen.card["chosen_on"] == sorted(SPACE.key(architecture) for architecture, _ in TRUTH[:6])


def test_resuming_is_exact(digits: Task, tmp_path: Path) -> None:
    config = MetaConfig(iterations=4, real_batch=32, learners=2, ranking=0.5, ranking_architectures=4)
    config = config.model_copy(update={"validation_architectures": 2, "validate_every": 0})
    whole = train_teacher(digits, SPACE, TINY, config, tmp_path / "whole", truth=TRUTH)
    resumed = stopped_and_resumed(2, digits, SPACE, TINY, config, tmp_path / "cut", TRUTH)
    assert torch.equal(whole.lesson.images, resumed.lesson.images)
    other = [*TRUTH[:2], *((architecture, 1 - accuracy) for architecture, accuracy in TRUTH[2:])]
    with pytest.raises(UserError, match="was made with another --truth table, or without one;"):
        train_teacher(digits, SPACE, TINY, config, tmp_path / "cut", truth=other, resume=True)


def test_what_cannot_be_ranked_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"set meta\.learners to 2 or more"):
        MetaConfig(ranking=0.5)
    with pytest.raises(UserError, match="takes 20 architectures of a truth table, 4 of them for"):
        hold_out(SPACE, 4, TRUTH, 16)
    with pytest.raises(UserError, match="but has 0"):
        hold_out(SPACE, 4, None, 16)
