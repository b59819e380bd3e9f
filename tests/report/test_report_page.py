from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from gtn_nas.proxy import PROXIES, make_proxies
from gtn_nas.report import Report, page, render_report, save_figures, write_report
from gtn_nas.report.svg import ACCENT, CONTRAST, INK, MUTED, RULE
from gtn_nas.task import Task
from gtn_nas.teacher.frozen import FrozenTeacher
from search_spaces.cnn_small import CnnSmall


@pytest.fixture(scope="module")
def html(report: Report) -> str:
    return render_report(report)


def correlation_only(report: Report, **changes: Any) -> Report:
    return Report(report.title, {**report.correlation, **changes})


def table_order(html: str) -> list[str]:
    return re.findall(r'data-proxy="([^"]+)"', html)


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.targets: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href"):
                self.targets.append(value or "")
            if name == "id":
                self.ids.append(value or "")


def test_page_needs_nothing_from_outside(html: str) -> None:
    links = Links()
    links.feed(html)
    assert links.targets
    assert all(target.startswith(("#", "data:")) for target in links.targets)
    assert not links.tags & {"script", "link", "iframe"}
    assert not re.search(r"url\((?!#)|@import|https?://|<\?xml", html)


def test_ids_are_unique_and_references_resolve(html: str) -> None:
    links = Links()
    links.feed(html)
    assert len(links.ids) == len(set(links.ids))
    used = {target[1:] for target in links.targets if target.startswith("#")}
    assert used | set(re.findall(r"url\(#([^)]+)\)", html)) <= set(links.ids)


def test_figures_take_their_colours_from_the_page_and_say_what_they_show(html: str) -> None:
    assert "var(--accent)" in html
    drawn = re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)
    assert drawn
    assert not any(colour in svg for colour in (INK, MUTED, RULE, ACCENT, CONTRAST) for svg in drawn)
    assert all('aria-label="' in opening for opening in re.findall(r"<svg[^>]*>", html))


def test_every_proxy_stands_in_the_table_in_order_of_spearman(report: Report, html: str) -> None:
    entries = report.correlation["proxies"]
    defined = [name for name in entries if entries[name]["spearman"] is not None]
    expected = sorted(defined, key=lambda name: -entries[name]["spearman"])
    assert table_order(html) == [*expected, "random"]


def test_undefined_is_shown_with_its_reason(html: str) -> None:
    row = html[html.index('data-proxy="random"') :]
    assert "undefined: every score is the same" in row[: row.index("</tr>")]


def test_failed_scores_are_said_in_one_sentence(report: Report, html: str) -> None:
    said = "Scoring failed for params on 2 of 36 (first reason: <no memory>)."
    assert "Scoring failed" not in html
    assert said.replace("<", "&lt;").replace(">", "&gt;") in render_report(correlation_only(report, failures=said))


def test_the_truths_agreement_with_itself_is_the_last_row_and_no_bound(html: str) -> None:
    assert html.index('class="ceiling"') > html.rindex("data-proxy=")
    assert "two halves of its seeds" in html
    assert "so it may come out above" in html
    assert not re.search(r">\s*ceiling", html, flags=re.IGNORECASE)


def test_cost_favourites_and_failing_classes_are_shown(report: Report, html: str) -> None:
    assert 'aria-label="Spearman of every proxy against its seconds for each architecture"' in html
    for quantity in ("precision", "regret"):
        assert f'aria-label="{quantity} of the best by score' in html
    assert "norm group is placed too low by 31% of the field</span> (n = 12)" in html
    assert "Agreement within each of 2 classes" in html
    assert "What a few real trainings add" in html
    assert "0.137" in html
    sound = [{**one, "warning": None} for one in report.correlation["classes"]]
    assert "No class of architectures is ranked worse" in render_report(correlation_only(report, classes=sound))


def test_a_report_of_an_older_comparison_still_renders(report: Report) -> None:
    old = {name: {**entry, "kendall": 0.5, "at": None} for name, entry in report.correlation["proxies"].items()}
    html = render_report(correlation_only(report, proxies=old, classes=None, calibration=None))
    assert "What the favourites are worth" not in html
    assert "fails</h3>" not in html


def test_figures_go_to_files(report: Report, tmp_path: Path) -> None:
    save_figures(report.correlation, tmp_path)
    names = {path.stem for path in tmp_path.iterdir()}
    assert names == {
        "cost", "favourites-precision", "favourites-regret",
        *(f"scatter-{name}" for name in report.correlation["proxies"]),
    }  # fmt: skip
    for name in names:
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "var(--" not in (tmp_path / f"{name}.svg").read_text(encoding="utf-8")


def test_every_meaning_is_of_a_proxy_that_exists(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    assert set(page._MEANINGS) == set(PROXIES)
    proxies = make_proxies(["gtn", "early_stop"], CnnSmall(), digits, [tiny_teacher]).values()
    architecture = CnnSmall().sample_many(1, 0)[0]
    assert set(page._READINGS) == {name for proxy in proxies for name in proxy.score(architecture, 0).readings}


def test_words_from_outside_are_escaped(report: Report) -> None:
    assert report.search is not None
    first = {**report.search.verified[0], "architecture": {"<b>": "</script><i>"}}
    search = replace(report.search, verified=[first])
    proxies = {'"><img src=x>': report.correlation["proxies"]["gtn"]}
    html = render_report(Report("<b>title</b>", {"proxies": proxies, "verdict": "<u>"}, search=search))
    assert "&lt;b&gt;title" in html
    assert "&lt;/script&gt;&lt;i&gt;" in html
    assert not any(raw in html for raw in ("<b>title", "</script>", "<img src=x", "<u>"))


def test_absent_sections_are_left_out(report: Report, html: str) -> None:
    headings = ("What the search found", "What the teacher shows")
    bare = render_report(correlation_only(report))
    assert all(heading in html and heading not in bare for heading in headings)
    assert "data:image/png" not in bare


def test_nulls_and_missing_fields_still_render(report: Report) -> None:
    truth = {**report.correlation["truth"], "ceiling": None, "seconds_per_training": None}
    nulls = {"gtn": dict.fromkeys(report.correlation["proxies"]["gtn"])}
    html = render_report(correlation_only(report, truth=truth, proxies=nulls, differences={}))
    assert 'class="ceiling"' not in html
    assert "no correlation was computed" in html
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", html, flags=re.DOTALL)
    assert "<h1>bare</h1>" in render_report(Report("bare", {}))


def test_page_is_the_same_again_and_after_json(report: Report, html: str) -> None:
    stored = json.loads(json.dumps(report.correlation))
    assert render_report(replace(report, correlation=stored)) == html


def test_best_architecture_is_listed_with_its_real_accuracy(html: str) -> None:
    card = html[html.index("Best architecture found") :]
    card = card[: card.index("</table>")]
    assert "98.1\u202f%" in card
    assert "stage1_width" in card


def test_written_page_is_the_rendered_one(tmp_path: Path) -> None:
    target = tmp_path / "new" / "report.html"
    write_report(Report("τ", {}), target)
    assert target.read_text(encoding="utf-8") == render_report(Report("τ", {}))
    assert list(target.parent.iterdir()) == [target]


def test_failed_rendering_leaves_the_old_page(report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(report: Report) -> str:
        raise RuntimeError("no page")

    target = tmp_path / "report.html"
    target.write_text("old")
    monkeypatch.setattr(page, "render_report", fail)
    with pytest.raises(RuntimeError, match="no page"):
        write_report(report, target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
