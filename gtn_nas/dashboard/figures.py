"""Figures for the dashboard's own page of graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna

from gtn_nas.search import best_trials, verified_rows

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["curves_figure", "verified_figure"]

_DRAWN = 20  # candidates whose curves are drawn
_ACCENT = "#0072b2"


def curves_figure(study: optuna.Study) -> Figure | None:
    """Draw the best candidates' accuracy along the lesson; None where the score has no steps."""
    from plotly.graph_objects import Figure, Scatter

    curves = [
        (trial, trial.user_attrs["curve"]) for trial in best_trials(study, _DRAWN) if trial.user_attrs.get("curve")
    ]
    if not curves:
        return None
    figure = Figure()
    for rank, (trial, curve) in enumerate(curves):
        steps, accuracies = zip(*curve, strict=True)
        figure.add_trace(
            Scatter(
                x=steps,
                y=accuracies,
                mode="lines+markers",
                name=f"trial {trial.number}",
                opacity=1 if rank == 0 else 0.5,
            )
        )
    figure.update_layout(
        title=f"Accuracy along the lesson, the best {len(curves)} candidates",
        xaxis_title="inner steps", yaxis_title="accuracy on real images", yaxis_tickformat=".0%",
    )  # fmt: skip
    return figure


def verified_figure(study: optuna.Study) -> Figure | None:
    """Draw real accuracy against the score, for the candidates that were trained; None with fewer than two."""
    from plotly.graph_objects import Figure, Scatter

    rows = verified_rows(study)
    if len(rows) < 2:
        return None
    figure = Figure(
        Scatter(
            x=[row["value"] for row in rows],
            y=[row["validation_accuracy"] for row in rows],
            text=[f"trial {row['number']}" for row in rows],
            mode="markers+text", textposition="top center", marker={"size": 10, "color": _ACCENT},
        )
    )  # fmt: skip
    figure.update_layout(
        title="Real accuracy of the verified against their score",
        xaxis_title="score when it was verified", yaxis_title="real validation accuracy", yaxis_tickformat=".1%",
    )  # fmt: skip
    return figure
