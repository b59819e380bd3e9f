"""Figures of a study: curves and distributions of its variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import Formatter, FuncFormatter

from gtn_nas.report.svg import ACCENT, CONTRAST, INK, MUTED, Drawing, panel

__all__ = ["boxes", "curves", "dots"]

_PERCENT = FuncFormatter(lambda share, _: f"{100 * share:.4g}\u202f%")
_LEGEND: dict[str, Any] = {"frameon": False, "fontsize": 8, "labelcolor": INK, "handlelength": 3}
_INSIDE = 6  # names that a legend has room for among the curves
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
    if len(drawn) <= _INSIDE:
        axes.legend(**_LEGEND)
    else:
        figure.set_size_inches(5.2 + 0.35 + 0.075 * max(map(len, drawn)), 3.4)  # beside, or it would hide the curves
        figure.legend(loc="outside right center", **_LEGEND)
    return Drawing(figure, name, f"{y} against {x} of {', '.join(drawn)}")


def boxes(samples: Mapping[str, Sequence[float]], name: str, y: str, ticks: Formatter | None = None) -> Drawing | None:
    """Draw a box (quartiles, median, whiskers over the whole range) for each variant; None where all are empty.

    ``ticks`` writes the axis; as percentages.
    """
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
    _finish(axes, ticks)
    return Drawing(figure, name, f"{y} of {', '.join(drawn)}")


def dots(
    groups: Mapping[str, Mapping[str, Sequence[float]]], name: str, y: str, ticks: Formatter | None = None
) -> Drawing | None:
    """Draw, for each group, every variant's values over seeds (faint) and their mean; None for fewer than two groups.

    Variants of the same name in different groups stand side by side. ``ticks`` writes the axis; as percentages.
    """
    if len(groups) < 2:
        return None
    variants = list(dict.fromkeys(variant for group in groups.values() for variant in group))
    figure, axes = panel(max(3.6, 1.2 + 0.85 * len(variants)), 3.6, "", y)
    width = 0.6 / (len(groups) - 1)
    for number, (group, values) in enumerate(groups.items()):
        colour, _ = _STYLES[number % len(_STYLES)]
        known = [(variants.index(variant) - 0.3 + width * number, seeds) for variant, seeds in values.items()]
        for x, seeds in known:
            axes.scatter([x] * len(seeds), seeds, s=9, color=colour, alpha=0.35, linewidths=0)
        axes.scatter(*_means(known), s=34, color=colour, linewidths=0, label=group, zorder=3)
    axes.set_xticks(range(len(variants)), [variant.replace("_", "_\n") for variant in variants], fontsize=8)
    _finish(axes, ticks)
    axes.legend(**_LEGEND)
    return Drawing(figure, name, f"{y} of {', '.join(variants)} in {', '.join(groups)}")


def _means(known: Sequence[tuple[float, Sequence[float]]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in known], [sum(seeds) / len(seeds) for _, seeds in known]


def _finish(axes: Axes, ticks: Formatter | None = None) -> None:
    axes.yaxis.set_major_formatter(ticks or _PERCENT)
    axes.margins(y=0.08)
