"""Hold proxies against a truth table: the content of ``correlation.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gtn_nas.correlation.calibrated import calibration_curve
from gtn_nas.correlation.classes import by_class
from gtn_nas.correlation.columns import check_columns, column
from gtn_nas.correlation.score_book import ScoreBook
from gtn_nas.correlation.scoring import OnScore, Scored, score_all
from gtn_nas.correlation.stats import (
    TOP_SHARES,
    Estimate,
    kendall,
    partial_spearman,
    precision_at,
    regret_at,
    spearman,
    spearman_difference,
    top_spearman,
    weighted_tau,
)
from gtn_nas.correlation.truth import TruthTable, ceiling
from gtn_nas.proxy import Proxy, proxies_in
from gtn_nas.space import SearchSpace

__all__ = ["compare", "failures", "verdict"]

_TOP = 5
_NAMED = 4  # rivals that a sentence names one by one
_KS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100, 200)  # of the best by score: precision and regret


def compare(
    table: TruthTable,
    proxies: Sequence[Proxy],
    seeds: int,
    workers: int = 1,
    on_score: OnScore | None = None,
    columns: Sequence[str] | None = None,
    book: ScoreBook | None = None,
) -> dict[str, Any]:
    """Score the table's architectures with every proxy and compare the rankings; the first column leads.

    A proxy that fails on an architecture has no rank correlation: leaving out what it cannot score would flatter it.

    Args:
        table: what is known of real training.
        proxies: all that ``columns`` are made of.
        seeds: scores of an architecture that are averaged, where they depend on a seed.
        workers: processes.
        on_score: called with (proxy, scores so far, scores in all).
        columns: what to compare (:func:`gtn_nas.correlation.columns.column`); the proxies' own scores.
        book: where scores are kept, and those of an earlier comparison taken from.

    Raises:
        UserError: a column asks for a reading that its proxy does not have.
    """
    truth, space, task = table.mean, proxies[0].space, proxies[0].task
    check_columns(columns or (), proxies)
    measured = score_all(proxies, table, seeds, workers, on_score, book)
    scored = {name: column(name, measured) for name in columns or list(measured)}
    scores = {name: found.values for name, found in scored.items()}
    counts = table.counts(space, task)
    params = counts["params"]
    entries = {name: _entry(found, truth, params, table.keys) for name, found in scored.items()}
    leader = next(iter(scored))
    differences = {}
    for name, values in scores.items():
        if name != leader:
            found = spearman_difference(scores[leader], values, truth)
            why = entries[leader]["undefined"] or entries[name]["undefined"] or found.undefined
            differences[name] = {"spearman": found.value, "ci95": found.ci95, "p": found.p, "undefined": why}
    return {
        "space": space.name,
        "task": task.name,
        "n": len(truth),
        "truth": _truth(table),
        "proxies": entries,
        "differences": differences,
        "verdict": verdict(leader, entries, differences),
        "calibration": _calibrated(table, space, scores, counts),
        "classes": by_class(space, table.architectures, scores[leader], truth, params),
        "failures": failures(measured),
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


def _calibrated(
    table: TruthTable,
    space: SearchSpace,
    scores: Mapping[str, npt.NDArray[np.float64]],
    counts: Mapping[str, npt.NDArray[np.float64]],
) -> dict[str, Any] | None:
    """Calibrate the leader with all columns that cost nothing beyond it; None where a score is missing."""
    paid = set(proxies_in(next(iter(scores))))
    used = {name: values for name, values in scores.items() if paid.issuperset(proxies_in(name))}
    if not all(np.isfinite(values).all() for values in used.values()):
        return None
    curve = calibration_curve(space, table, used, counts)
    return {"scores": list(used), "curve": curve} if curve else None


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
    words += [f"better than {_name(better)}"] if better else []
    words += [f"worse than {_name(worse)}"] if worse else []
    words += [f"undecided with {_name(open_)}"] if open_ else []
    text = ", ".join(words) + "."
    if defined:
        text += _strongest(leader, entries, defined)
    return text


def _strongest(leader: str, entries: dict[str, dict[str, Any]], defined: dict[str, dict[str, Any]]) -> str:
    """Set the leader against the rival that ranks best, with what each costs."""
    name = min(defined, key=lambda rival: defined[rival]["spearman"])
    found, mine, theirs = defined[name], *(entries[one]["seconds_per_architecture"] for one in (leader, name))
    interval = "" if found["ci95"] is None else f" [{found['ci95'][0]:+.2f}, {found['ci95'][1]:+.2f}]"
    cost = f", at {_times(mine / theirs)} its cost" if mine and theirs else ""
    words = f" Its lead over the strongest rival, {name}, is {found['spearman']:+.2f}{interval}{cost}."
    return words.replace("-", "\N{MINUS SIGN}")


def _times(ratio: float) -> str:
    if 0.9 < ratio < 1.1:
        return "about"
    return f"{ratio:,.0f} times" if ratio >= 10 else f"{ratio:.2g} times"


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


def _entry(
    found: Scored, truth: npt.NDArray[np.float64], params: npt.NDArray[np.float64], keys: Sequence[str]
) -> dict[str, Any]:
    values, failed = found.values, found.failed
    rho = spearman(values, truth)
    return {
        "spearman": rho.value,
        "ci95": rho.ci95,
        "kendall": _as_json(kendall(values, truth)),
        "weighted_tau": _as_json(weighted_tau(values, truth)),
        "given_params": _as_json(partial_spearman(values, truth, params)),
        **{
            f"top_{share:.0%}_by_{name}".replace("%", ""): _as_json(top_spearman(values, truth, by, share))
            for share in TOP_SHARES
            for name, by in (("truth", truth), ("score", values))
        },
        "at": [
            {"k": k, "precision": precision_at(values, truth, k), "regret": regret_at(values, truth, k)}
            for k in _KS
            if k <= len(truth) // 2
        ],
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
        "seconds_per_training": _number(table.seconds_per_training),
        "accuracy": {"min": float(mean.min()), "median": float(np.median(mean)), "max": float(mean.max())},
        "ceiling": None
        if limit is None
        else {
            "spearman": limit.value,
            "ci95": limit.ci95,
            "meaning": "how well two halves of the truth's own seeds agree, over every way to halve them",
        },
    }


def _as_json(estimate: Estimate) -> dict[str, Any]:
    return {"value": estimate.value, "ci95": estimate.ci95, "undefined": estimate.undefined}


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _name(proxies: Sequence[str]) -> str:
    """Name a few; only count more."""
    return _join(proxies) if len(proxies) <= _NAMED else f"{len(proxies)} rivals"


def _join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
