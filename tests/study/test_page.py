from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from gtn_nas.study import PAGE, Measured, Row, Scale, Study, make_page
from gtn_nas.study.lessons import Lessons, picture_name

PLAN = Lessons.model_validate({"data": "digits", "seeds": 2, "space": "cnn_small", "variants": {"A/x": {}, "A/y": {}}})
STUDY = Study.model_validate(
    {
        "name": "s",
        "given": "s",
        "kind": "lessons",
        "title": "Orders <of things>",
        "about": "a",
        "differs": ["the weather"],
        "settings": {},
        "scales": {"cpu": Scale(note="n").model_dump()},
        "claims": [
            {"says": "x beats y", "first": "A/x:accuracy.lesson", "relation": "above", "second": "A/y:accuracy.lesson"}
        ],
        "published": [{"what": "A/x:accuracy.lesson", "value": 0.975, "source": "a table"}],
    }
)


def accuracies(row: Callable[..., Row]) -> Measured:
    def one(variant: str, seed: int, lesson: float) -> Row:
        figures = {"accuracy.lesson": lesson, "accuracy.test_batch": lesson + 0.01, "shuffled.lesson": 0.5}
        series = {"training": [(1.0, 0.2), (2.0, lesson)]}
        return row(variant, seed, figures=figures, series=series, samples={"accuracy.lesson": [lesson, 0.9]})

    rows = [one("A/x", 0, 0.97), one("A/x", 1, 0.972), one("A/y", 0, 0.9), one("A/y", 1, 0.902)]
    return Measured([*rows, row("A/y", 2, failure="97% diverged.")], {})


def test_the_page_says_what_was_found(row: Callable[..., Row], tmp_path: Path) -> None:
    picture = tmp_path / "figures" / picture_name("A/x")
    picture.parent.mkdir()
    picture.write_bytes(b"picture")
    view = make_page(STUDY, "cpu", PLAN, accuracies(row), tmp_path)
    assert view.verdict == "1 of 1 expectations hold. 1 run failed."
    assert view.found[0].startswith(
        "By the lesson's statistics A/x is best with 97.1\u202f% on test images, and A/y worst"
    )
    assert "accuracy is 1.0\u202fpt higher on average" in view.found[1]
    assert view.found[2].startswith("In a random order A/x loses most, 47.1\u202fpt, and A/y least")
    assert view.failures == ["A/y, seed 2: 97% diverged."]
    html = (tmp_path / PAGE).read_text()
    assert "Orders &lt;of things&gt;" in html
    for part in ("the weather", "a table", "x beats y", "97% diverged.", "data:image/png;base64,cGljdHVyZQ=="):
        assert part in html
    drawn = {path.name for path in (tmp_path / "figures").iterdir()}
    assert {"training-A.svg", "training-A.png", "accuracy-lesson.svg"} <= drawn
    assert html.count("<svg") == 2
    assert not re.search(r"https?://|<script", html)
