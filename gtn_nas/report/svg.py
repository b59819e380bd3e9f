"""matplotlib figures for a page, as SVG with its CSS colours and ids of their own, and for files."""

from __future__ import annotations

import html
import io
import re
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["ACCENT", "CONTRAST", "INK", "MUTED", "RULE", "Drawing", "panel", "save", "to_svg"]

# The page's light colours; inside the page `to_svg` makes variables of them, so that one figure suits light and dark.
INK, MUTED, RULE, ACCENT, CONTRAST = "#1d2129", "#656c78", "#e1dfd8", "#0072b2", "#c44f00"
_VARIABLES = {INK: "--ink", MUTED: "--muted", RULE: "--rule", ACCENT: "--accent", CONTRAST: "--contrast"}
_PIXELS = 200  # an inch, of a PNG file
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def panel(width: float, height: float, x: str, y: str, size: float = 9) -> tuple[Figure, Axes]:
    """Return a figure of ``width`` × ``height`` inches with one plain pair of axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x, color=MUTED, fontsize=size)
    axes.set_ylabel(y, color=MUTED, fontsize=size, labelpad=9)  # room for words that CSS enlarges
    axes.tick_params(which="both", colors=MUTED, labelsize=size, length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.locator_params(axis="both", nbins=5)
    return figure, axes


@dataclass(frozen=True)
class Drawing:
    """A figure drawn with the colours of this module.

    ``name``: unique in a page, prefix of its ids and name of its files. ``label``: what a screen reader says.
    """

    figure: Figure
    name: str
    label: str


def save(drawing: Drawing, folder: Path) -> None:
    """Write ``NAME.png`` and ``NAME.svg``."""
    folder.mkdir(parents=True, exist_ok=True)
    drawing.figure.savefig(folder / f"{drawing.name}.png", dpi=_PIXELS, facecolor="white")
    with matplotlib.rc_context({"svg.hashsalt": drawing.name}):
        drawing.figure.savefig(folder / f"{drawing.name}.svg", facecolor="white", metadata=_NO_METADATA)


def to_svg(drawing: Drawing) -> Markup:
    """Return the drawing as an ``<svg>`` element that fills its container."""
    figure, name, label = drawing.figure, drawing.name, drawing.label
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=_NO_METADATA)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]  # no XML prolog inside HTML
    svg = re.sub(r"<style.*?</style>", "", svg, count=1, flags=re.DOTALL)  # would style the whole page
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    viewbox = re.search(r'viewBox="[^"]+"', svg)
    assert viewbox is not None
    opening = f'<svg {viewbox.group()} role="img" aria-label="{html.escape(label)}">'
    return Markup(opening + svg[svg.index(">") + 1 :])
