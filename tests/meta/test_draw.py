"""What is drawn for one learner."""

from __future__ import annotations

import numpy as np
import pytest

from gtn_nas.meta import MetaConfig
from gtn_nas.meta.draw import Pupil, draw_pupil, draw_window
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from search_spaces.cnn_small import CnnSmall


def draw(task: Task, statistics: str = "synthetic", seed: int = 0, steps: int = 5, **settings: object) -> Pupil:
    teacher = TeacherConfig(steps=steps, statistics=statistics)
    config = MetaConfig(**{"real_batch": 32, "exam_every": 3, **settings})
    return draw_pupil(np.random.default_rng(seed), CnnSmall(), task, teacher, config)


def test_the_last_inner_step_is_always_examined(digits: Task) -> None:
    exam = draw(digits).exam
    assert list(exam.weights) == [2, 4]
    assert sum(exam.weights.values()) == pytest.approx(1.0)


def test_real_statistics_are_drawn_from_training_images(digits: Task) -> None:
    images = draw(digits, "real").exam.protocol.images
    assert images is not None
    assert images.shape == (32, 1, 8, 8)


def test_the_same_generator_draws_the_same(digits: Task) -> None:
    first, second, other = draw(digits), draw(digits), draw(digits, seed=1)
    assert first.learner.initial.equal(second.learner.initial)
    assert first.exam.images.equal(second.exam.images)
    assert not first.exam.images.equal(other.exam.images)


def test_exams_lie_within_the_window(digits: Task) -> None:
    for seed in range(20):
        pupil = draw(digits, seed=seed, steps=9, window=4)
        assert pupil.steps - pupil.start == 4
        assert set(pupil.exam.weights) <= set(range(pupil.start, pupil.steps))
        assert pupil.steps - 1 in pupil.exam.weights


def test_windows() -> None:
    rng = np.random.default_rng(0)
    found = {draw_window(rng, 10, MetaConfig(window=3)) for _ in range(200)}
    assert found == {(end - 3, end) for end in range(3, 11)}
    assert draw_window(rng, 10, MetaConfig(window=3, window_place="end")) == (7, 10)
    assert draw_window(rng, 10, MetaConfig()) == (0, 10)
    assert draw_window(rng, 10, MetaConfig(window=20)) == (0, 10)
    assert draw_window(rng, 10, MetaConfig(window=4, window_place="every")) == (0, 10)


def test_windows_one_after_the_other_end_with_the_lesson(digits: Task) -> None:
    for window, cuts, after in ((4, {2, 6}, [1, 5, 9]), (5, {5}, [4, 9]), (20, set(), [9])):
        exam = draw(digits, steps=10, window=window, window_place="every", exam_every=100).exam
        assert exam.cuts == cuts
        assert sorted(exam.weights) == after
    assert draw(digits, steps=10, window=None, window_place="every").exam.cuts == frozenset()
