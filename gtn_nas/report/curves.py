"""Figures of a study: curves and distributions of its variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from gtn_nas.report.svg import ACCENT, CONTRAST, INK, MUTED, Drawing, panel

__all__ = ["boxes", "curves"]

_PERCENT = FuncFormatter(lambda share, _: f"{100 * share:.4g}\u202f%")
_STYLES = [(colour, line) for line in ("-", (0, (4, 2)), (0, (1, 1.5))) for colour in (ACCENT, CONTRAST, INK, MUTED)]


def curves(
    lines: Mapping[str, Sequence[tuple[float, float, float, float]]], name: str, x: str, y: str
) -> Drawing | None:
    """Draw a line for each variant through points (x, mean, lowest, highest), its range over seeds shaded.

    None where no line has two points.
    """
    drawn = {label: points for label, points in lines.items() if len(points) > 1}
    if not drawn:
        return None
    figure, axes = panel(5.2, 3.4, x, y)
    for number, (label, points) in enumerate(drawn.items()):
        colour, style = _STYLES[number % len(_STYLES)]
        at, mean, low, high = zip(*points, strict=True)
        marker = "o" if len(points) < 20 else None
        axes.plot(at, mean, color=colour, linestyle=style, linewidth=1.6, marker=marker, markersize=3, label=label)
        axes.fill_between(at, low, high, color=colour, alpha=0.12, linewidth=0)
    _finish(axes)
    axes.legend(frameon=False, fontsize=8, labelcolor=INK)
    return Drawing(figure, name, f"{y} against {x} of {', '.join(drawn)}")


def boxes(samples: Mapping[str, Sequence[float]], name: str, y: str) -> Drawing | None:
    """Draw a box (quartiles, median, whiskers over the whole range) for each variant; None where all are empty."""
    drawn = {label: list(values) for label, values in samples.items() if len(values)}
    if not drawn:
        return None
    figure, axes = panel(max(3.2, 0.8 + 0.85 * len(drawn)), 3.4, "", y)
    line = {"color": INK, "linewidth": 1.1}
    axes.boxplot(
        list(drawn.values()), whis=(0, 100), widths=0.5, boxprops=line, whiskerprops=line, capprops=line,
        medianprops={"color": CONTRAST, "linewidth": 1.6},
    )  # fmt: skip
    axes.set_xticks(range(1, len(drawn) + 1), [label.replace("/", "\n") for label in drawn], fontsize=8)
    _finish(axes)
    return Drawing(figure, name, f"{y} of {', '.join(drawn)}")


def _finish(axes: Axes) -> None:
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.margins(y=0.08)
