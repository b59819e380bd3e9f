"""The study's note: what was searched, how to read the values, what real training said."""

from __future__ import annotations

from typing import Any

import optuna

from gtn_nas.dashboard.artifacts import KEPT
from gtn_nas.search import best_trials, verified_rows

__all__ = ["study_note"]

_VALUES = {
    "gtn": "accuracy on real validation images after the teacher's short synthetic lesson",
    "calibrated": "the real accuracy to be expected, by a score and by architectures that were trained for real",
}
_READ = {
    "accuracy": "**{proxy}**: {meaning}. Higher is better; only the order is to be trusted.",
    "loss": "**loss**: cross-entropy on real validation images after the lesson.",
    "fgsm_accuracy": "**fgsm_accuracy**: accuracy on validation images after FGSM at ε = 0.05 (pixels from 0 to 1).",
    "params": "**params**: trainable parameters.",
    "flops": "**flops**: floating-point operations of one image's forward pass.",
    "latency": "**latency**: seconds of one image's forward pass on the machine that searched.",
}


def study_note(study: optuna.Study) -> str:
    """Return Markdown for the study's page."""
    noted = study.user_attrs
    lines = [
        f"# {noted['space']} on {noted['task']}",
        "",
        "| | |",
        "|---|---|",
        f"| space | {noted['space']} |",
        f"| data | {noted['task']} |",
        f"| scored by | {noted['proxy']}, {noted['seeds']} initialisation{'s' if noted['seeds'] > 1 else ''} each |",
        *_limits(noted["limits"]),
        "",
        "## How to read the values",
        "",
        *(_read(name, noted["proxy"]) for name in noted["objectives"]),
        "- A trial's user attributes hold its size, the scores of every initialisation, and the accuracy on the way"
        " (`curve`). A failed or pruned trial says its `reason`.",
        "",
        "## Trained on real data",
        "",
        *_verified(study),
        *_images(study),
    ]
    return "\n".join(lines) + "\n"


def _images(study: optuna.Study) -> list[str]:
    kept = study.user_attrs.get(KEPT)
    if kept is None:
        return []
    explained = "Each row is one inner step's batch, from the first to the last; the numbers are classes."
    picture = f"![the teacher's images](/artifacts/{study._study_id}/{kept['artifact']})"
    return ["", "## What the teacher shows", "", explained, "", picture]


def _limits(limits: dict[str, Any]) -> list[str]:
    return [f"| at most | {limit:,g} {name} |" for name, limit in limits.items() if limit is not None]


def _read(name: str, proxy: str) -> str:
    meaning = _VALUES.get(proxy, "a cheap score that stands for accuracy")
    return "- " + _READ[name].format(proxy=proxy, meaning=meaning)


def _verified(study: optuna.Study) -> list[str]:
    rows = verified_rows(study)
    if not rows:
        return ["None yet: `gtn-nas search … --verify K` trains the best."]
    taken = {trial.number: trial for trial in best_trials(study, len(study.trials))}
    lines = ["| trial | score | parameters | validation | test |", "|---|---|---|---|---|"]
    for row in rows:
        score = taken[row["number"]].values[0] if row["number"] in taken else row["value"]
        lines.append(
            f"| {row['number']} | {score:.4g} | {row['params']:,} | {row['validation_accuracy']:.4f} "
            f"| {row['test_accuracy']:.4f} |"
        )
    return [*lines, "", "The best by validation accuracy stands first; test accuracy is only reported."]
