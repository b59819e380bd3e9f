"""Every proxy: deterministic, timed, and saying what it claims to say."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gtn_nas.errors import UserError
from gtn_nas.meta import Learner, grade, inner_optimiser, teach
from gtn_nas.proxy import (
    PROXIES,
    TAUGHT,
    Flops,
    Gtn,
    GtnArea,
    GtnEnsemble,
    Params,
    Proxy,
    Random,
    RealSteps,
    RealSubset,
    make_proxies,
)
from gtn_nas.proxy.base import SCORE_SEEDS
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.frozen import FrozenTeacher
from search_spaces.cnn_small import CnnSmall

SPACE = CnnSmall()
QUICK_TO_LEARN = {"norm": "batch", "stage1_op": "conv3", "stage2_op": "conv3", "resolution": "full", "head": "flatten"}
ARCHITECTURE = SPACE.validate({**SPACE.sample_many(1, 7)[0], **QUICK_TO_LEARN})


@pytest.fixture
def proxies(digits: Task, tiny_teacher: FrozenTeacher) -> list[Proxy]:
    """All but the one whose scores follow the clock."""
    return list(
        make_proxies([name for name in PROXIES if name != "real_seconds"], SPACE, digits, [tiny_teacher]).values()
    )


def test_all_are_repeatable_and_timed(proxies: list[Proxy]) -> None:
    for proxy in proxies:
        first, again = proxy.score(ARCHITECTURE, 3), proxy.score(ARCHITECTURE, 3)
        assert first.value == again.value, proxy.name
        assert first.seconds > 0


def test_names_and_fingerprints_differ(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    proxies = make_proxies(PROXIES, SPACE, digits, [tiny_teacher])
    assert all(name == proxy.name for name, proxy in proxies.items())
    assert len({proxy.fingerprint for proxy in proxies.values()}) == len(PROXIES)


def test_unknown_names_and_missing_teachers_are_refused(digits: Task) -> None:
    with pytest.raises(UserError, match="unknown proxy 'synlow'; the proxies are gtn"):
        make_proxies(["synlow"], SPACE, digits)
    for name in TAUGHT:
        with pytest.raises(UserError, match="--teacher"):
            make_proxies([name], SPACE, digits)
    others = [name for name in PROXIES if name not in TAUGHT]
    assert list(make_proxies(others, SPACE, digits)) == others


def test_real_seconds_takes_as_long_as_the_teacher(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    proxy = make_proxies(["real_seconds"], SPACE, digits, [tiny_teacher])["real_seconds"]
    taught = Gtn(SPACE, digits, tiny_teacher).score(ARCHITECTURE, 0)
    score = proxy.score(ARCHITECTURE, 0)
    assert 0.3 * taught.cpu_seconds < score.cpu_seconds < 6 * taught.cpu_seconds + 0.5
    assert score.value > 0.1


def test_an_ensemble_is_the_mean_of_its_teachers(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    one = Gtn(SPACE, digits, tiny_teacher).score(ARCHITECTURE, 1)
    both = GtnEnsemble(SPACE, digits, [tiny_teacher, tiny_teacher]).score(ARCHITECTURE, 1)
    assert both.value == pytest.approx(one.value)
    assert both.readings == pytest.approx(one.readings)


def test_the_area_is_the_mean_of_four_exams(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    parts = []
    for quarter in (1, 2, 3, 4):
        torch.manual_seed(SCORE_SEEDS + 5)
        learner = Learner(SPACE.build(ARCHITECTURE, digits))
        lesson = tiny_teacher.lesson.head(round(tiny_teacher.lesson.steps * quarter / 4))
        taught = teach(learner, learner.initial, lesson, inner_optimiser("muon"), tiny_teacher.protocol(digits))
        parts.append(grade(learner, taught, digits.validation).accuracy)
    score = GtnArea(SPACE, digits, tiny_teacher).score(ARCHITECTURE, 5)
    assert score.value == pytest.approx(sum(parts) / 4)


def test_gtn_is_the_accuracy_after_the_lesson(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    torch.manual_seed(SCORE_SEEDS + 5)
    learner = Learner(SPACE.build(ARCHITECTURE, digits))
    rule, protocol = inner_optimiser("muon"), tiny_teacher.protocol(digits)
    taught = teach(learner, learner.initial, tiny_teacher.lesson, rule, protocol)
    expected = grade(learner, taught, digits.validation)
    score = Gtn(SPACE, digits, tiny_teacher).score(ARCHITECTURE, 5)
    assert score.value == expected.accuracy
    assert score.readings["loss"] == -expected.loss
    assert score.readings["tse"] == pytest.approx(-sum(taught.losses) / len(taught.losses))
    assert score.value > 0.3  # far more than chance


def test_the_seed_changes_all_but_counts(proxies: list[Proxy]) -> None:
    for proxy in proxies:
        scores = [proxy.score(ARCHITECTURE, seed) for seed in (0, 1)]
        same = (scores[0].value, scores[0].readings) == (scores[1].value, scores[1].readings)
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


@pytest.mark.parametrize("name", ["real_steps", "real_subset"])
def test_rivals_take_the_sizes_of_a_lesson(digits: Task, tiny_teacher: FrozenTeacher, name: str) -> None:
    like = TeacherConfig(steps=3, batch_size=16)

    def sizes(*teachers: FrozenTeacher) -> tuple[int, ...]:
        proxy = make_proxies([name], SPACE, digits, teachers, like=like)[name]
        assert isinstance(proxy, RealSteps | RealSubset)
        return tuple(proxy.lesson(0).images.shape[:2])

    assert sizes() == (3, 16)
    assert sizes(tiny_teacher) == tuple(tiny_teacher.lesson.images.shape[:2]) != (3, 16)


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
    healthy = Gtn(SPACE, digits, tiny_teacher).score(ARCHITECTURE, 0)
    assert score.readings["tse"] < healthy.readings["tse"]  # the steps that it missed count


def test_a_network_without_parameters_is_refused(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    class Nothing(CnnSmall):
        def build(self, architecture: object, task: object) -> nn.Module:
            return nn.Flatten()

    with pytest.raises(UserError, match="trainable parameters"):
        Gtn(Nothing(), digits, tiny_teacher).score(ARCHITECTURE, 0)
