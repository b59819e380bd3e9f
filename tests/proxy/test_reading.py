"""A reading as a score of its own."""

from __future__ import annotations

import pytest

from gtn_nas.errors import UserError
from gtn_nas.proxy import make_score
from gtn_nas.proxy.base import See
from gtn_nas.task import Task
from gtn_nas.teacher.frozen import FrozenTeacher
from search_spaces.cnn_small import CnnSmall

SPACE = CnnSmall()


def test_it_is_what_the_proxy_reads(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    gtn, loss = (make_score(name, SPACE, digits, [tiny_teacher]) for name in ("gtn", "gtn.loss"))
    (architecture,) = SPACE.sample_many(1, 5)
    value, readings = gtn.measure(architecture, 0)
    seen: list[int] = []
    found = loss.score(architecture, 0, See(lambda step, accuracy: seen.append(step)))
    assert found.value == readings["loss"]
    assert found.readings == {"gtn": value, "tse": readings["tse"], "tse_late": readings["tse_late"]}
    assert set(found.readings) == set(loss.readings)
    assert seen  # a pruner sees it learn
    assert (loss.name, loss.steps, loss.seeded) == ("gtn.loss", gtn.steps, True)
    assert (
        len({gtn.fingerprint, loss.fingerprint, make_score("gtn.tse", SPACE, digits, [tiny_teacher]).fingerprint}) == 3
    )


def test_it_can_be_attacked_as_the_proxy_can(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    attacked = make_score("gtn.loss", SPACE, digits, [tiny_teacher]).attacked()
    assert 0 <= attacked.score(SPACE.sample_many(1, 5)[0], 0).readings["fgsm_accuracy"] <= 1
    with pytest.raises(UserError, match="trains no network that could be attacked"):
        make_score("synflow", SPACE, digits).attacked()


def test_one_that_there_is_not_is_refused(digits: Task) -> None:
    with pytest.raises(UserError, match="proxy flops has no reading 'loss'; it has none"):
        make_score("flops.loss", SPACE, digits)
