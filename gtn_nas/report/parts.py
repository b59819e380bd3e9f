"""What each part of the page shows, made ready for the template."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gtn_nas.report import figures, text
from gtn_nas.report.grid import teacher_grid
from gtn_nas.report.svg import to_svg
from gtn_nas.report.views import Report, SearchView, TeacherView

__all__ = [
    "Scale",
    "Tile",
    "in_order",
    "panels",
    "provenance",
    "scale",
    "search_part",
    "teacher_part",
    "tiles",
]


@dataclass(frozen=True)
class Tile:
    """A key figure: what it is, its value, and what to compare it with."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Scale:
    """The stretch of numbers that a table's interval bars cover."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Return the place of ``value`` on the bar, in percent."""
        return 100 * (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)


def in_order(entries: Mapping[str, Any], sign: int = -1) -> list[tuple[str, Mapping[str, Any]]]:
    """Order by Spearman, the highest first (the lowest for ``sign=1``) and the undefined ones last."""
    return sorted(entries.items(), key=lambda item: sign * _or(text.finite(item[1].get("spearman")), sign * 9.0))


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def scale(entries: Iterable[Mapping[str, Any]], high: float | None) -> Scale:
    """From 0, or the lowest bound, in quarters, to ``high``; symmetric round 0 when ``high`` is None."""
    ends = [0.0]
    for entry in entries:
        known = (text.finite(entry.get("spearman")), *text.bounds(entry.get("ci95")))
        ends.extend(end for end in known if end is not None)
    if high is None:
        reach = max(0.1, max(map(abs, ends)))
        return Scale(-reach, reach)
    return Scale(0.25 * (min(ends) // 0.25), high)


def tiles(report: Report, lead: Mapping[str, Any], ceiling: Mapping[str, Any] | None, name: str) -> list[Tile]:
    """Return the key figures: the lead's agreement, the truth's own, cost, and the best find (or else the regret)."""
    truth = report.correlation.get("truth") or {}
    tiles = [
        Tile(
            f"Rank agreement of {name}",
            text.number(lead.get("spearman")),
            lead.get("undefined") or f"Spearman, 95 % interval {text.interval(lead.get('ci95'))}",
        )
    ]
    if ceiling:
        tiles.append(
            Tile(
                "Truth with itself",
                text.number(ceiling.get("spearman")),
                f"Spearman of two halves of its seeds, 95 % interval {text.interval(ceiling.get('ci95'))}",
            )
        )
    cheap, real = (
        text.finite(lead.get("seconds_per_architecture")),
        text.finite(truth.get("seconds_per_training")),
    )
    if cheap is not None:
        tiles.append(Tile("Cost of a score", text.duration(cheap), _speed(cheap, real)))
    if report.search is not None and report.search.verified:
        best = report.search.verified[0]
        found = f"best of {len(report.search.verified)} verified, trial {best.get('number')}"
        tiles.append(Tile("Best find, real test", text.percent(best.get("test_accuracy")), found))
    else:
        note = "accuracy lost by trusting its first choice"
        tiles.append(Tile("Regret", text.points(lead.get("regret_at_1")), note))
    return tiles


def _speed(cheap: float, real: float | None) -> str:
    if not real or not cheap:
        return "for each architecture"
    factor, word = (real / cheap, "faster") if real >= cheap else (cheap / real, "slower")
    times = f"{factor:,.0f}" if factor >= 10 else f"{factor:.1f}"
    return f"an architecture, {times}× {word} than one real training ({text.duration(real)})"


def panels(measured: Mapping[str, Any], proxies: list[tuple[str, Any]], lead: str) -> list[dict[str, Any]]:
    """Return a scatter for each proxy, the ``lead`` first; none where a proxy gave no score at all."""
    architectures = measured.get("architectures") or []
    ordered = sorted(proxies, key=lambda item: item[0] != lead) if architectures else []
    return [
        {
            "name": name,
            "entry": entry,
            "lead": name == lead,
            "svg": to_svg(figures.agreement(architectures, name, index, lead=name == lead))
            if any(text.finite((one.get("scores") or {}).get(name)) is not None for one in architectures)
            else None,
        }
        for index, (name, entry) in enumerate(ordered)
    ]


def teacher_part(view: TeacherView | None) -> dict[str, Any] | None:
    """Return the image grid, the curves, the schedule and the card."""
    if view is None:
        return None
    steps, positions = view.images.shape[:2]
    return {
        "steps": steps,
        "positions": positions,
        "grid": base64.b64encode(teacher_grid(view.images, view.labels)).decode(),
        "curves": [to_svg(figures.meta_curve(view.curve, name)) for name in ("loss", "accuracy") if view.curve],
        "outer_steps": len(view.curve),
        "seconds": sum(_or(text.finite(step.get("seconds")), 0.0) for step in view.curve),
        "schedule": [
            (name, to_svg(figures.schedule(values, name, index)))
            for index, (name, values) in enumerate(view.schedule.items())
        ],
        "card": list(text.flatten(view.card)),
    }


def search_part(view: SearchView | None) -> dict[str, Any] | None:
    """Return the history and the verified finds, their parameters as pairs."""
    if view is None:
        return None
    failed = sum(trial.get("state") != "COMPLETE" for trial in view.trials)
    return {
        "figure": to_svg(figures.search_history(view)) if view.trials else None,
        "trials": len(view.trials),
        "failed": failed,
        "seconds": sum(_or(text.finite(trial.get("seconds")), 0.0) for trial in view.trials),
        "verified": [{**one, "parameters": list(text.flatten(one["architecture"]))} for one in view.verified],
    }


def provenance(measured: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the tables at the foot: recipe, teacher, hardware, versions."""
    truth = {key: value for key, value in (measured.get("truth") or {}).items() if key != "ceiling"}
    parts = {"Truth": truth, "Teacher": measured.get("teacher")}
    parts |= {"Hardware": measured.get("hardware"), "Versions": measured.get("versions")}
    return [(name, list(text.flatten(part))) for name, part in parts.items() if part]
