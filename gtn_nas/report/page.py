"""Fill the page's template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, Environment, PackageLoader

from gtn_nas.files import write_atomically
from gtn_nas.report import figures, parts, text
from gtn_nas.report.comparison import cost_picture, favourites
from gtn_nas.report.svg import Drawing, save, to_svg
from gtn_nas.report.views import Report

__all__ = ["environment", "render_report", "save_figures", "write_report"]

_LEAD = "gtn"
_MEANINGS = {
    "gtn": "trained on the teacher's batches",
    "params": "number of parameters",
    "flops": "cost of a forward pass",
    "random": "a random number",
    "real_steps": "real data, as many steps",
    "real_subset": "real images, as many, classes balanced",
    "real_seconds": "real data, as many seconds",
    "early_stop": "one epoch of real training",
    "full_training": "real training itself",
    "gtn_area": "area below its learning curve",
    "gtn_ensemble": "mean of several teachers",
    "synflow": "flow through absolute weights, no data",
    "nwot": "how differently units fire for images",
    "jacov": "how different images’ input gradients are",
    "snip": "|weight × gradient|, summed",
    "grasp": "change of gradient flow by pruning",
    "grad_norm": "size of the gradient",
    "fisher": "channels’ effect on the loss",
    "zico": "steadiness of gradients over batches",
}
_READINGS = {"loss": "its loss on real images", "tse": "its mean training loss", "tse_late": "its last training losses"}


def _meaning(name: str) -> str:
    """Say in a few words what a column of the comparison is."""
    if "+" in name:
        return "sum of their ranks"
    proxy, _, reading = name.partition(".")
    return _READINGS.get(reading, "") if reading else _MEANINGS.get(proxy, "")


def write_report(report: Report, path: Path) -> None:
    """Write the page to ``path``: all of it or, when rendering fails, nothing."""
    write_atomically(path, render_report(report))


def render_report(report: Report) -> str:
    """Return the page: HTML with its style and figures inline, no script, nothing to fetch."""
    measured = report.correlation
    proxies = parts.in_order(measured.get("proxies") or {})
    ceiling = (measured.get("truth") or {}).get("ceiling")
    lead = _leader(proxies)
    differences = parts.in_order(measured.get("differences") or {}, sign=1)
    cost, taken = _comparison(measured, proxies, lead)
    return environment().get_template("report.html.j2").render(
        report=report,
        measured=measured,
        lead=lead,
        tiles=parts.tiles(report, dict(proxies).get(lead, {}), ceiling, lead),
        proxies=proxies,
        ceiling=ceiling,
        scale=parts.scale([entry for _, entry in proxies], high=1.0),
        panels=parts.panels(measured, proxies, lead),
        differences=differences,
        difference_scale=parts.scale([entry for _, entry in differences], high=None),
        meanings={name: _meaning(name) for name, _ in proxies},
        cost=to_svg(cost) if cost else None,
        favourites=[to_svg(drawing) for drawing in taken],
        classes=measured.get("classes") or [],
        class_scale=parts.scale(measured.get("classes") or [], high=1.0),
        teacher=parts.teacher_part(report.teacher),
        search=parts.search_part(report.search),
        provenance=parts.provenance(measured),
    )  # fmt: skip


def save_figures(measured: Mapping[str, Any], folder: Path) -> None:
    """Write the comparison's figures to ``folder``, each as PNG and SVG; ``measured`` as in ``correlation.json``."""
    proxies = parts.in_order(measured.get("proxies") or {})
    lead = _leader(proxies)
    cost, taken = _comparison(measured, proxies, lead)
    architectures = measured.get("architectures") or []
    scatters = [
        replace(figures.agreement(architectures, name, 0, lead=True), name=f"scatter-{name}")
        for name, _ in proxies
        if architectures
    ]
    for drawing in [*scatters, *taken, *([cost] if cost else [])]:
        save(drawing, folder)


def _leader(proxies: Sequence[tuple[str, Any]]) -> str:
    return _LEAD if any(name == _LEAD for name, _ in proxies) else next((name for name, _ in proxies), _LEAD)


def _comparison(
    measured: Mapping[str, Any], proxies: Sequence[tuple[str, Any]], lead: str
) -> tuple[Drawing | None, list[Drawing]]:
    """Draw cost, and what the favourites are worth."""
    taken = [favourites(proxies, lead, quantity) for quantity in ("precision", "regret")]
    real = (measured.get("truth") or {}).get("seconds_per_training")
    return cost_picture(proxies, lead, real), [drawing for drawing in taken if drawing is not None]


@cache
def environment() -> Environment:
    """Return the templates of this folder, with the filters that write numbers."""
    made = Environment(
        loader=PackageLoader("gtn_nas.report", "."),
        autoescape=True,
        undefined=ChainableUndefined,  # a report of an older correlation.json lacks fields, and still renders
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("bounds", "duration", "finite", "interval", "number", "percent", "points", "signed"):
        made.filters[name] = getattr(text, name)
    return made
