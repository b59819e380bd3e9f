"""matplotlib figures as SVG that lives inside a page: themed by its CSS, with ids of their own."""

from __future__ import annotations

import html
import io
import re

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["ACCENT", "CONTRAST", "INK", "MUTED", "RULE", "panel", "to_svg"]

# Stand-ins that `to_svg` replaces by CSS variables, so that one figure suits light and dark.
INK, MUTED, RULE, ACCENT, CONTRAST = "#010101", "#020202", "#030303", "#040404", "#050505"
_VARIABLES = {INK: "--ink", MUTED: "--muted", RULE: "--rule", ACCENT: "--accent", CONTRAST: "--contrast"}
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


def to_svg(figure: Figure, name: str, label: str) -> str:
    """Render ``figure`` as an ``<svg>`` element that fills its container.

    Args:
        figure: drawn with the colours of this module.
        name: prefix of all ids, unique in the page.
        label: what a screen reader says.
    """
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
    return opening + svg[svg.index(">") + 1 :]
