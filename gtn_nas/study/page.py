"""Draw what a study measured, and put it on its page."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from matplotlib.ticker import ScalarFormatter

from gtn_nas.report.curves import boxes, curves, dots
from gtn_nas.report.study_page import FigureRow, StudyView, write_study_page
from gtn_nas.report.svg import Drawing, save
from gtn_nas.report.text import duration, flatten
from gtn_nas.study.claims import judge
from gtn_nas.study.comparison import compare
from gtn_nas.study.lessons import picture_name
from gtn_nas.study.measured import Measured
from gtn_nas.study.plan import Plan
from gtn_nas.study.robustness import axes_of
from gtn_nas.study.study import ScaleName, Study
from gtn_nas.study.words import claim_in_words, in_words, is_correlation, published_in_words, sentences, spread, summary

__all__ = ["PAGE", "make_page"]

PAGE = "report.html"
_AXES = {
    "training": ("outer step", "accuracy, real training images"),
    "validation": ("outer step", "accuracy, validation images"),
    "inner": ("inner step", "test accuracy, lesson's statistics"),
    "found": ("seconds, a teacher's training included", "test accuracy of the best by score so far"),
    "best": ("architectures, the best by score first", "best real accuracy so far"),
}
_NOT_DRAWN = ("score", "failed", "teacher_seconds")  # samples
_CANDIDATES = "candidates"
_SHORT = "test accuracy"  # on an axis; the caption says which
_SAMPLES = {
    "accuracy.lesson": "test accuracy, lesson's statistics",
    "accuracy.test_batch": "test accuracy, the test batch's own statistics",
    "shuffled.lesson": "batches in random order, lesson's statistics",
    "spearman": "Spearman with real accuracy",
    "spearman_top": "Spearman within the better half",
    _CANDIDATES: "candidates that a search proposed",
    "at_hand": "test accuracy, had the teacher been there already",
    "shuffled.test_batch": "batches in random order, the test batch's own statistics",
}


def make_page(study: Study, scale: ScaleName, plan: Plan, measured: Measured, folder: Path) -> StudyView:
    """Write figures (PNG and SVG) and ``report.html`` into ``folder``; return what the page shows."""
    drawings = list(_drawings(measured))
    for _, drawing in drawings:
        save(drawing, folder / "figures")
    described = study.scales[scale]
    verdicts = [judge(claim, measured, plan.interval(claim, measured)) for claim in study.claims]
    if not described.comparable:
        verdicts = [replace(verdict, outcome="not judged") for verdict in verdicts]
    failures = [f"{row.variant}, seed {row.seed}: {row.failure}" for row in measured.rows if row.failure]
    compared = compare(study.published, measured)
    columns = [*measured.figures]
    view = StudyView(
        title=f"{study.title} · {scale}",
        verdict=summary(verdicts, described.comparable, len(failures)),
        about=study.about,
        found=[*plan.words(measured), *sentences(verdicts, compared)] if described.comparable else [],
        note=described.note,
        claims=[claim_in_words(verdict) for verdict in verdicts],
        comparable=described.comparable,
        published=[published_in_words(one) for one in compared],
        differs=study.differs,
        drawings=drawings,
        pictures=list(_pictures(measured, folder)),
        columns=columns,
        rows=[
            FigureRow(name, [spread(measured.values(name, figure), figure) for figure in columns])
            for name in measured.variants
        ],
        failures=failures,
        provenance=list(_provenance(study, scale, measured)),
    )
    write_study_page(view, folder / PAGE)
    return view


def _drawings(measured: Measured) -> Iterator[tuple[str, Drawing]]:
    for name in measured.series:
        x, y = _AXES.get(name) or axes_of(name) or ("", name)
        for group, variants in _groups(measured).items():
            lines = {variant.rpartition("/")[2]: measured.curve(variant, name) for variant in variants}
            if drawing := curves(lines, _file_name(name, group), x, "accuracy"):
                yield f"{group}: {y}" if group else y, drawing
    for name in measured.figures:
        groups = {
            group: {variant.rpartition("/")[2]: measured.values(variant, name) for variant in variants}
            for group, variants in _groups(measured).items()
            if all(measured.values(variant, name) for variant in variants)
        }
        ticks = ScalarFormatter() if is_correlation(name) else None
        if not name.startswith("inner") and (drawing := dots(groups, _file_name(f"by-{name}", ""), _axis(name), ticks)):
            yield _worded(name), drawing
    for name in (name for name in measured.samples if not name.startswith(_NOT_DRAWN)):
        values = {variant: measured.sample(variant, name) for variant in measured.variants}
        ticks = ScalarFormatter() if name == _CANDIDATES else None
        if drawing := boxes(values, _file_name(name, ""), _axis(name), ticks):
            yield _worded(name), drawing


def _axis(figure: str) -> str:
    if is_correlation(figure):
        return _SAMPLES[figure.partition(".")[0]]
    return _CANDIDATES if figure == _CANDIDATES else _SHORT


def _worded(figure: str) -> str:
    if figure.startswith("after."):
        return f"test accuracy after {figure.removeprefix('after.')} inner steps"
    if is_correlation(figure):
        name, _, reading = figure.partition(".")
        return f"{_SAMPLES[name]}, by {in_words(reading)}" if reading else _SAMPLES[name]
    return _SAMPLES.get(figure, figure)


def _groups(measured: Measured) -> dict[str, list[str]]:
    """Return variants by what stands before their slash."""
    groups: dict[str, list[str]] = {}
    for variant in measured.variants:
        groups.setdefault(variant.rpartition("/")[0], []).append(variant)
    return groups


def _file_name(name: str, group: str) -> str:
    return "-".join(part for part in (name.replace(".", "-"), group.replace(" ", "-")) if part)


def _pictures(measured: Measured, folder: Path) -> Iterator[tuple[str, bytes]]:
    for variant in measured.variants:
        path = folder / "figures" / picture_name(variant)
        if path.is_file():
            yield variant, path.read_bytes()


def _provenance(study: Study, scale: ScaleName, measured: Measured) -> Iterator[tuple[str, str]]:
    yield "command", shlex.join(["gtn-nas", "study", "run", study.given, "--scale", scale])
    yield "runs", f"{len(measured.rows)}, {duration(sum(row.seconds for row in measured.rows))} in all"
    if measured.rows:
        last = measured.rows[-1]
        yield from flatten({"hardware": last.hardware, "versions": last.versions})
