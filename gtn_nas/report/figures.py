"""The report's figures, each an ``<svg>`` element (see :mod:`gtn_nas.report.svg`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import EngFormatter, FuncFormatter, Locator, LogLocator, MaxNLocator, NullFormatter

from gtn_nas.report.svg import ACCENT, CONTRAST, INK, MUTED, Drawing, panel
from gtn_nas.report.text import finite
from gtn_nas.report.views import SearchView

__all__ = ["agreement", "meta_curve", "schedule", "search_history"]

_LOG_SCALE = ("params", "flops")
_ROUND_STEPS = [1, 2, 2.5, 5, 10]
_PERCENT = FuncFormatter(lambda share, _: f"{100 * share:.4g}\u202f%")
_Vector = npt.NDArray[np.float64]


def meta_curve(curve: Sequence[Mapping[str, float]], quantity: str) -> Drawing:
    """``loss`` or ``accuracy`` against the outer step: every value faint, their running mean strong."""
    x, y = _column(curve, "number"), _column(curve, quantity)
    figure, axes = panel(4.4, 2.5, "outer step", quantity)
    axes.plot(x, y, color=ACCENT, alpha=0.28, linewidth=0.8)
    window = max(1, len(y) // 20)
    axes.plot(x, _running_mean(y, window), color=ACCENT, linewidth=1.8)
    positive = y[np.isfinite(y) & (y > 0)]
    if quantity == "accuracy":
        axes.yaxis.set_major_formatter(_PERCENT)
    elif len(positive) and positive.max() > 50 * positive.min():
        axes.set_yscale("log")
    return Drawing(figure, f"curve-{quantity}", f"Meta-training {quantity} against outer step")


def schedule(values: Sequence[float], name: str, index: int) -> Drawing:
    """One learned hyperparameter against the inner step; ``index`` tells the figures apart."""
    figure, axes = panel(2.9, 1.9, "inner step", "")
    steps = np.arange(1, len(values) + 1)
    axes.plot(steps, list(values), color=CONTRAST, linewidth=1.4, marker="o", markersize=2.6)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.margins(y=0.15)
    return Drawing(figure, f"schedule-{index}", f"Learned {name} against inner step")


def search_history(search: SearchView) -> Drawing:
    """Proxy score against trial number, the best so far, failures at the bottom, verified trials ringed."""
    figure, axes = panel(5.4, 3.9, "trial", "proxy score")
    number, value = _column(search.trials, "number"), _column(search.trials, "value")
    done = np.isfinite(value)
    axes.scatter(number[done], value[done], s=12, color=MUTED, alpha=0.7, linewidths=0)
    if done.any():
        best = np.maximum.accumulate(np.where(done, value, -np.inf))
        reached = np.isfinite(best)
        axes.step(number[reached], best[reached], where="post", color=ACCENT, linewidth=1.8)
    # In axes coordinates vertically: a failure has no score to stand at.
    axes.scatter(
        number[~done], np.full((~done).sum(), 0.02), s=16, marker="x", color=CONTRAST, linewidths=1,
        transform=axes.get_xaxis_transform(),
    )  # fmt: skip
    axes.scatter(
        _column(search.verified, "number"), _column(search.verified, "value"), s=44, facecolors="none",
        edgecolors=CONTRAST, linewidths=1.4,
    )  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return Drawing(figure, "search", "Proxy score of every trial, with the best so far")


def agreement(architectures: Sequence[Mapping[str, Any]], proxy: str, index: int, lead: bool) -> Drawing:
    """A proxy's score (x) against real accuracy (y), a point for each architecture.

    The ``lead`` panel is larger and shows how far an architecture's seeds lie apart.
    """
    x = np.array([_value((one.get("scores") or {}).get(proxy)) for one in architectures], dtype=float)
    y = _column(architectures, "accuracy")
    figure, axes = panel(5.2, 4.0, "score", "real test accuracy") if lead else panel(2.7, 2.0, "", "", size=8)
    logarithmic = proxy in _LOG_SCALE and bool((x > 0).any())
    x = np.where(x > 0, x, np.nan) if logarithmic else x
    seeds = [[_value(seed) for seed in one.get("accuracies") or []] for one in architectures]
    for at, several in zip(x, seeds, strict=True):
        if lead and np.isfinite(at):
            axes.plot([at] * len(several), several, color=ACCENT, alpha=0.35, linewidth=1)
    axes.scatter(x, y, s=22 if lead else 9, color=ACCENT if lead else INK, alpha=0.8 if lead else 0.6, linewidths=0)
    ticks: Locator = MaxNLocator(5 if lead else 3, steps=_ROUND_STEPS)
    if logarithmic:
        axes.set_xscale("log")
        ratio = np.nanmax(x) / np.nanmin(x)
        if ratio > 5:  # below, a logarithmic locator may find no round number at all
            ticks = LogLocator(10, subs=(1.0,) if ratio > 100 else (1.0, 3.0), numticks=4)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_locator(ticks)
    known = np.concatenate([y, *seeds])
    known = known[np.isfinite(known)]
    if len(known):  # the same heights in every panel, whichever scores are missing
        margin = 0.06 * max(float(np.ptp(known)), 0.01)
        axes.set_ylim(known.min() - margin, known.max() + margin)
    axes.yaxis.set_major_locator(MaxNLocator(6 if lead else 4, steps=_ROUND_STEPS))
    axes.yaxis.set_major_formatter(_PERCENT)
    return Drawing(figure, f"agreement-{index}", f"{proxy} score against real test accuracy")


def _value(value: object) -> float:
    known = finite(value)
    return np.nan if known is None else known


def _column(rows: Sequence[Mapping[str, Any]], key: str) -> _Vector:
    return np.array([_value(row.get(key)) for row in rows], dtype=float)


def _running_mean(values: _Vector, window: int) -> _Vector:
    """Mean of the known values at most half a ``window`` away (NaN where there are none)."""
    known = np.isfinite(values)
    total = np.cumsum(np.concatenate([[0.0], np.where(known, values, 0.0)]))
    count = np.cumsum(np.concatenate([[0], known]))
    place = np.arange(len(values))
    start, end = np.maximum(place - window // 2, 0), np.minimum(place + window // 2 + 1, len(values))
    seen = count[end] - count[start]
    return np.where(seen > 0, (total[end] - total[start]) / np.maximum(seen, 1), np.nan)
