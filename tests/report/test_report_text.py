from __future__ import annotations

import math

import pytest

from gtn_nas.report import text


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(4e-6, "4 µs"), (0.0123, "12.3 ms"), (0.41, "0.41 s"), (90, "90 s"), (180, "3 min"), (9000, "2.5 h")],
)
def test_durations_take_the_unit_that_suits_them(seconds: float, shown: str) -> None:
    assert text.duration(seconds).replace("\u202f", " ") == shown


@pytest.mark.parametrize("absent", [None, math.nan, math.inf, "0.5", True])
def test_what_is_no_number_is_shown_as_absent(absent: object) -> None:
    for write in (text.number, text.signed, text.percent, text.points, text.duration):
        assert write(absent) == text.ABSENT
    assert text.interval([0.1, absent]) == text.ABSENT


def test_signs_are_true_minus_signs() -> None:
    assert text.interval([-0.04, 0.3], sign=True) == "−0.04 to +0.30"
    assert text.number(-0.5) == "−0.50"


def test_nested_cards_become_pairs() -> None:
    card = {
        "config": {"steps": 20, "lr": 0.123456},
        "sizes": list(range(9)),
        "curve": [{"loss": 1}],
        "done": True,
    }
    assert dict(text.flatten(card)) == {
        "config.steps": "20",
        "config.lr": "0.1235",
        "sizes": "0, 1, 2, 3, 4, 5, … (9 in all)",
        "curve": "1 entries",
        "done": "yes",
    }
