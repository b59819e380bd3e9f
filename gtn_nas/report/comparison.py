"""Figures that set proxies side by side: what each costs, and what their favourites are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from gtn_nas.report import text
from gtn_nas.report.svg import ACCENT, CONTRAST, INK, MUTED, Drawing, panel

__all__ = ["cost_picture", "favourites"]

_SECONDS = FuncFormatter(lambda seconds, _: text.duration(seconds))
_PERCENT = FuncFormatter(lambda share, _: f"{100 * share:.4g}\u202f%")
_CHEAPEST = 1e-4  # seconds: what counts nothing but parameters stands at the edge
_LABEL_HEIGHT, _LABEL_WIDTH = 0.055, 0.045  # of Spearman for a line, of a factor of ten for a letter


def cost_picture(proxies: Sequence[tuple[str, Mapping[str, Any]]], lead: str, real: float | None) -> Drawing | None:
    """Spearman against seconds for each architecture; a line joins the best for every budget, ``real`` is the truth's.

    None where fewer than two proxies have both.
    """
    known = [
        (name, max(seconds, _CHEAPEST), rho, entry.get("ci95"))
        for name, entry in proxies
        if (seconds := text.finite(entry.get("seconds_per_architecture"))) is not None
        and (rho := text.finite(entry.get("spearman"))) is not None
    ]
    if len(known) < 2:
        return None
    figure, axes = panel(8.6, 4.0, "seconds for each architecture", "Spearman")
    axes.set_xscale("log")
    for name, seconds, rho, interval in known:
        low, high = text.bounds(interval)
        colour = ACCENT if name == lead else INK
        if low is not None and high is not None:
            axes.plot([seconds, seconds], [low, high], color=colour, alpha=0.25, linewidth=1.2)
        axes.scatter([seconds], [rho], s=30 if name == lead else 16, color=colour, linewidths=0, zorder=3)
    for (name, seconds, _, _), height in zip(known, _label_heights(known), strict=True):
        colour = ACCENT if name == lead else INK
        axes.annotate(name, (seconds, height), (5, 2), textcoords="offset points", fontsize=8, color=colour)
    best = -np.inf
    frontier = [(s, best := r) for _, s, r, _ in sorted(known, key=lambda one: (one[1], -one[2])) if r > best]
    axes.step(*zip(*frontier, strict=True), where="post", color=CONTRAST, linewidth=1.2, alpha=0.8)
    if real:
        axes.axvline(real, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.xaxis.set_major_formatter(_SECONDS)
    axes.margins(x=0.12)
    return Drawing(figure, "cost", "Spearman of every proxy against its seconds for each architecture")


def _label_heights(known: Sequence[tuple[str, float, float, Any]]) -> list[float]:
    """Return where each label stands: at its proxy, or below those of others that are as costly."""
    heights: dict[int, float] = {}
    for index in sorted(range(len(known)), key=lambda one: -known[one][2]):
        name, seconds, height, _ = known[index]
        for other, taken in sorted(heights.items(), key=lambda item: -item[1]):
            near = abs(np.log10(seconds / known[other][1])) < _LABEL_WIDTH * max(len(name), len(known[other][0]))
            if near and abs(taken - height) < _LABEL_HEIGHT:
                height = taken - _LABEL_HEIGHT
        heights[index] = height
    return [heights[index] for index in range(len(known))]


def favourites(proxies: Sequence[tuple[str, Mapping[str, Any]]], lead: str, quantity: str) -> Drawing | None:
    """``precision`` or ``regret`` of the k best by score against k, the ``lead`` strong; None where there is none."""
    figure, axes = panel(4.4, 2.8, "k best by score", quantity)
    drawn = False
    for name, entry in sorted(proxies, key=lambda item: item[0] == lead):
        points = [(at["k"], v) for at in entry.get("at") or [] if (v := text.finite(at.get(quantity))) is not None]
        if not points:
            continue
        drawn = True
        strong = name == lead
        axes.plot(
            *zip(*points, strict=True), color=ACCENT if strong else MUTED, alpha=1 if strong else 0.35,
            linewidth=1.9 if strong else 0.9, marker="o" if strong else None, markersize=3,
        )  # fmt: skip
    if not drawn:
        return None
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.set_ylim(bottom=0)
    return Drawing(figure, f"favourites-{quantity}", f"{quantity} of the best by score, against how many are taken")
