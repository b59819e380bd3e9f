"""A study's page: what was expected, what was found, and how that compares with what was published."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gtn_nas.files import write_atomically
from gtn_nas.report.page import environment
from gtn_nas.report.svg import Drawing, to_svg

__all__ = ["ClaimView", "FigureRow", "PublishedView", "StudyView", "write_study_page"]

_COLUMN = 6  # inches: a wider figure takes the whole row


@dataclass(frozen=True)
class ClaimView:
    """A claim, whether it holds (``good``, ``bad`` or ``muted``), and the numbers that say so."""

    says: str
    outcome: str
    mood: str
    numbers: str


@dataclass(frozen=True)
class PublishedView:
    """A published figure beside ours, in words."""

    what: str
    published: str
    ours: str
    difference: str
    source: str


@dataclass(frozen=True)
class FigureRow:
    """All figures of one variant, in words."""

    variant: str
    figures: Sequence[str]


@dataclass(frozen=True)
class StudyView:
    """All that the page shows; ``pictures`` are PNGs by their caption."""

    title: str
    verdict: str
    about: str
    found: Sequence[str]
    note: str
    claims: Sequence[ClaimView]
    comparable: bool
    published: Sequence[PublishedView]
    differs: Sequence[str]
    drawings: Sequence[tuple[str, Drawing]]
    pictures: Sequence[tuple[str, bytes]]
    columns: Sequence[str]
    rows: Sequence[FigureRow]
    failures: Sequence[str]
    provenance: Sequence[tuple[str, str]]


def write_study_page(view: StudyView, path: Path) -> None:
    """Write the page to ``path``: HTML with its style and figures inline, no script, nothing to fetch."""
    drawings = [
        (caption, to_svg(drawing), drawing.figure.get_figwidth() > _COLUMN) for caption, drawing in view.drawings
    ]
    pictures = [(caption, base64.b64encode(picture).decode()) for caption, picture in view.pictures]
    template = environment().get_template("study.html.j2")
    write_atomically(path, template.render(view=view, drawings=drawings, pictures=pictures))
