"""Every proxy: deterministic, timed, and saying what it claims to say."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gtn_nas.errors import UserError
from gtn_nas.meta import Learner, grade, inner_optimiser, teach
from gtn_nas.proxy import Flops, Gtn, Params, Random, RealSteps, RealSubset, rivals
from gtn_nas.proxy.taught import SCORE_SEEDS
from gtn_nas.task import Task
from gtn_nas.teacher.frozen import FrozenTeacher
from search_spaces.cnn_small import CnnSmall

SPACE = CnnSmall()
QUICK_TO_LEARN = {"norm": "batch", "stage1_op": "conv3", "stage2_op": "conv3", "resolution": "full", "head": "flatten"}
ARCHITECTURE = SPACE.validate({**SPACE.sample_many(1, 7)[0], **QUICK_TO_LEARN})


def test_all_are_repeatable_and_timed(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    for proxy in rivals(SPACE, digits, tiny_teacher):
        first, again = proxy.score(ARCHITECTURE, 3), proxy.score(ARCHITECTURE, 3)
        assert first.value == again.value, proxy.name
        assert first.seconds > 0


def test_names_and_fingerprints_differ(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    proxies = rivals(SPACE, digits, tiny_teacher)
    assert [proxy.name for proxy in proxies] == ["gtn", "real_steps", "real_subset", "params", "flops", "random"]
    assert len({proxy.fingerprint for proxy in proxies}) == len(proxies)


def test_gtn_is_the_accuracy_after_the_lesson(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    torch.manual_seed(SCORE_SEEDS + 5)
    learner = Learner(SPACE.build(ARCHITECTURE, digits))
    rule, protocol = inner_optimiser("muon"), tiny_teacher.protocol(digits)
    taught = teach(learner, learner.initial, tiny_teacher.lesson, rule, protocol)
    expected = grade(learner, taught, digits.validation)
    score = Gtn(SPACE, digits, tiny_teacher).score(ARCHITECTURE, 5)
    assert score.value == expected.accuracy
    assert score.detail["loss"] == expected.loss
    assert score.detail["train_loss"] == taught.losses[-1]
    assert score.value > 0.3  # far more than chance


def test_the_seed_changes_trained_scores_only(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    for proxy in rivals(SPACE, digits, tiny_teacher):
        details = [proxy.score(ARCHITECTURE, seed) for seed in (0, 1)]
        same = (details[0].value, details[0].detail) == (details[1].value, details[1].detail)
        assert same != proxy.seeded, proxy.name


def test_scoring_leaves_the_global_generator_alone(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    before = torch.random.get_rng_state()
    Gtn(SPACE, digits, tiny_teacher).score(ARCHITECTURE, 0)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_counts(digits: Task) -> None:
    network = SPACE.build(ARCHITECTURE, digits)
    assert Params(SPACE, digits).score(ARCHITECTURE, 0).value == sum(p.numel() for p in network.parameters())
    assert Flops(SPACE, digits).score(ARCHITECTURE, 0).value > Params(SPACE, digits).score(ARCHITECTURE, 0).value


def test_random_knows_nothing_but_the_key(digits: Task) -> None:
    proxy = Random(SPACE, digits)
    values = [proxy.score(architecture, 0).value for architecture in SPACE.sample_many(50, 0)]
    assert len(set(values)) == 50
    assert 0.3 < sum(values) / 50 < 0.7


@pytest.mark.parametrize("kind", [RealSteps, RealSubset])
def test_rivals_are_shown_real_training_images(digits: Task, kind: type[RealSteps]) -> None:
    lesson = kind(SPACE, digits, steps=3, batch_size=16).lesson(0)
    assert lesson.images.shape == (3, 16, 1, 8, 8)
    flat = digits.train.images.flatten(1)
    for image, label in zip(lesson.images.flatten(0, 1).flatten(1), lesson.targets.flatten(), strict=True):
        found = (flat == image).all(dim=1)
        assert found.any()
        assert label in digits.train.labels[found]


def test_a_real_subset_shows_every_class_in_turn(digits: Task) -> None:
    lesson = RealSubset(SPACE, digits, steps=3, batch_size=20).lesson(0)
    assert lesson.targets.flatten().tolist() == [number % 10 for number in range(60)]
    assert len(lesson.images.flatten(0, 1).flatten(1).unique(dim=0)) == 60


def test_a_diverging_candidate_gets_its_last_sound_accuracy(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    tiny_teacher.lesson.hyper["lr"][4] = 1e30
    try:
        score = Gtn(SPACE, digits, tiny_teacher).score(ARCHITECTURE, 0)
    finally:
        tiny_teacher.lesson.hyper["lr"][4] = 0.005
    assert 0 <= score.value <= 1
    assert score.detail["steps"] == 4


def test_a_network_without_parameters_is_refused(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    class Nothing(CnnSmall):
        def build(self, architecture: object, task: object) -> nn.Module:
            return nn.Flatten()

    with pytest.raises(UserError, match="trainable parameters"):
        Gtn(Nothing(), digits, tiny_teacher).score(ARCHITECTURE, 0)
