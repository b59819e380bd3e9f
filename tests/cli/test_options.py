"""What verbs open where the user names nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gtn_nas.cli.options import open_for_teacher
from gtn_nas.teacher.frozen import FrozenTeacher


@pytest.mark.parametrize("source", [{}, {"source": ""}, {"source": "digits"}])
def test_a_card_without_a_source_falls_back_on_its_task(tiny_teacher: FrozenTeacher, source: dict[str, str]) -> None:
    teacher = replace(tiny_teacher, card={**tiny_teacher.card, **source})
    space, task = open_for_teacher(teacher, None, None, "cpu", None, None)
    assert (space.name, task.name) == ("cnn_small", "digits")
