"""What verbs open where the user names nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gtn_nas.cli.options import open_for_teacher, parse_minutes
from gtn_nas.errors import UserError
from gtn_nas.teacher.frozen import FrozenTeacher


@pytest.mark.parametrize("source", [{}, {"source": ""}, {"source": "digits"}])
def test_a_card_without_a_source_falls_back_on_its_task(tiny_teacher: FrozenTeacher, source: dict[str, str]) -> None:
    teacher = replace(tiny_teacher, card={**tiny_teacher.card, **source})
    space, task = open_for_teacher(teacher, None, None, "cpu", None, None)
    assert (space.name, task.name) == ("cnn_small", "digits")


def test_a_time_is_read_with_its_unit() -> None:
    assert [parse_minutes(text) for text in ("90s", "20m", "1.5 h")] == [1.5, 20, 90]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("3", "--time-budget 3 has no unit; write 3s, 3m or 3h."),
        ("0m", "--time-budget must be a positive time such as 90s, 20m or 2h, but got '0m'."),
        ("-3m", "--time-budget must be a positive time such as 90s, 20m or 2h, but got '-3m'."),
    ],
)
def test_a_time_without_a_unit_or_worth_is_refused(text: str, says: str) -> None:
    with pytest.raises(UserError) as refusal:
        parse_minutes(text)
    assert str(refusal.value) == says
