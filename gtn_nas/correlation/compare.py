"""Hold proxies against a truth table: the content of ``correlation.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gtn_nas.correlation.scoring import OnScore, Scored, score_all
from gtn_nas.correlation.stats import kendall, precision_at, regret_at, spearman, spearman_difference
from gtn_nas.correlation.truth import TruthTable, ceiling
from gtn_nas.proxy import Proxy

__all__ = ["compare", "failures", "verdict"]

_TOP = 5


def compare(
    table: TruthTable, proxies: Sequence[Proxy], seeds: int, workers: int = 1, on_score: OnScore | None = None
) -> dict[str, Any]:
    """Score the table's architectures with every proxy and compare the rankings; the first proxy leads.

    A proxy that fails on an architecture has no rank correlation: leaving out what it cannot score would flatter it.
    """
    truth = table.mean
    scored = score_all(proxies, table, seeds, workers, on_score)
    scores = {name: found.values for name, found in scored.items()}
    entries = {name: _entry(found, truth, table.keys) for name, found in scored.items()}
    leader = proxies[0].name
    differences = {}
    for name, values in scores.items():
        if name != leader:
            found = spearman_difference(scores[leader], values, truth)
            why = entries[leader]["undefined"] or entries[name]["undefined"] or found.undefined
            differences[name] = {"spearman": found.value, "ci95": found.ci95, "undefined": why}
    return {
        "space": proxies[0].space.name,
        "task": proxies[0].task.name,
        "n": len(truth),
        "truth": _truth(table),
        "proxies": entries,
        "differences": differences,
        "verdict": verdict(leader, entries, differences),
        "failures": failures(scored),
        "architectures": [
            {
                "key": key,
                "architecture": architecture,
                "accuracy": float(truth[index]),
                "accuracies": [float(value) for value in table.accuracies[index]],
                "scores": {name: _number(values[index]) for name, values in scores.items()},
            }
            for index, (key, architecture) in enumerate(zip(table.keys, table.architectures, strict=True))
        ],
    }


def verdict(leader: str, entries: dict[str, dict[str, Any]], differences: dict[str, dict[str, Any]]) -> str:
    """Say in words how the leading proxy stands among the others, and which differences the data settle."""
    mine = entries[leader]
    if mine["spearman"] is None:
        return f"The rank correlation of {leader} is not defined: {mine['undefined']}."
    defined = {name: found for name, found in differences.items() if found["spearman"] is not None}
    better = [name for name, found in defined.items() if found["ci95"] and found["ci95"][0] > 0]
    worse = [name for name, found in defined.items() if found["ci95"] and found["ci95"][1] < 0]
    open_ = [name for name in defined if name not in (*better, *worse)]
    interval = "" if mine["ci95"] is None else f" [{mine['ci95'][0]:.2f}, {mine['ci95'][1]:.2f}]"
    words = [f"{leader} ranks architectures with Spearman {mine['spearman']:.2f}{interval}"]
    words += [f"better than {_join(better)}"] if better else []
    words += [f"worse than {_join(worse)}"] if worse else []
    text = ", ".join(words) + "."
    ahead = [name for name in open_ if defined[name]["spearman"] > 0]
    behind = [name for name in open_ if name not in ahead]
    if ahead:
        text += f" It is ahead of {_join(ahead)}, but by no more than chance could give."
    if behind:
        text += f" It is not ahead of {_join(behind)}, and the difference may be chance."
    return text


def failures(scored: Mapping[str, Scored]) -> str | None:
    """Say in one sentence which proxies failed on how many architectures, and the first reason of each."""
    failed = {name: found.failed for name, found in scored.items() if found.failed}
    if not failed:
        return None
    size = max(len(found.values) for found in scored.values())
    words = [
        f"{name} on {len(some)} of {size} (first reason: {next(iter(some.values()))})" for name, some in failed.items()
    ]
    return f"Scoring failed for {_join(words)}."


def _entry(found: Scored, truth: npt.NDArray[np.float64], keys: Sequence[str]) -> dict[str, Any]:
    values, failed = found.values, found.failed
    rho = spearman(values, truth)
    return {
        "spearman": rho.value,
        "ci95": rho.ci95,
        "kendall": kendall(values, truth).value,
        f"precision_at_{_TOP}": precision_at(values, truth, _TOP),
        "regret_at_1": regret_at(values, truth, 1),
        f"regret_at_{_TOP}": regret_at(values, truth, _TOP),
        "seconds_per_architecture": _number(found.seconds),
        "seeds": found.seeds,
        "undefined": f"{len(failed)} of {len(values)} architectures failed" if failed else rho.undefined,
        "failed": [{"key": keys[index], "reason": reason} for index, reason in failed.items()],
    }


def _truth(table: TruthTable) -> dict[str, Any]:
    mean, limit = table.mean, ceiling(table.accuracies)
    return {
        "n": len(mean),
        "seeds": table.accuracies.shape[1],
        "left_out": table.left_out,
        "recipe": table.recipe,
        "seconds_per_training": table.seconds_per_training,
        "accuracy": {"min": float(mean.min()), "median": float(np.median(mean)), "max": float(mean.max())},
        "ceiling": None
        if limit is None
        else {
            "spearman": limit.value,
            "ci95": limit.ci95,
            "meaning": "how well two halves of the truth's own seeds agree, over every way to halve them",
        },
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
