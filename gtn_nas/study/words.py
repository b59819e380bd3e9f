"""What a study found, in words and numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from gtn_nas.report.study_page import ClaimView, PublishedView
from gtn_nas.report.text import number, percent, points, signed
from gtn_nas.study.claims import Verdict
from gtn_nas.study.comparison import Compared

__all__ = ["claim_in_words", "published_in_words", "sentences", "spread", "summary"]

_MOODS = {"holds": "good", "fails": "bad"}
_COUNTED = {"fails": "contradicted", "undecided": "undecided", "not measured": "not measured"}
_CLOSE = 0.01


def summary(verdicts: Sequence[Verdict], comparable: bool) -> str:
    """Return the page's headline: how many expectations hold."""
    counts: Counter[str] = Counter(verdict.outcome for verdict in verdicts)
    if not comparable:
        return "A trial run: everything works, nothing is measured."
    if not verdicts:
        return "Nothing was expected; the numbers stand for themselves."
    parts = [f"{counts['holds']} of {len(verdicts)} expectations hold"]
    parts += [f"{counts[name]} {word}" for name, word in _COUNTED.items() if counts[name]]
    return ", ".join(parts) + "."


def sentences(verdicts: Sequence[Verdict], compared: Sequence[Compared]) -> list[str]:
    """Return the findings as sentences: what is contradicted comes first, then how near the published figures are."""
    found = [f"Contradicted: {v.claim.says} ({_numbers(v)})." for v in verdicts if v.outcome == "fails"]
    known = [one.difference for one in compared if one.difference is not None]
    if known:
        near = sum(abs(difference) <= _CLOSE for difference in known)
        low, high = points(min(known)), points(max(known))
        found.append(
            f"Of {len(known)} published figures that were measured, {near} are met within a point; ours less theirs "
            f"runs from {low} to {high}, {points(float(np.mean(known)))} on average."
        )
    return found


def claim_in_words(verdict: Verdict) -> ClaimView:
    """Return a row of the table of claims."""
    mood = _MOODS.get(verdict.outcome, "muted")
    outcome = "contradicted" if verdict.outcome == "fails" else verdict.outcome
    return ClaimView(verdict.claim.says, outcome, mood, _numbers(verdict))


def published_in_words(compared: Compared) -> PublishedView:
    """Return a row of the comparison; a figure above 1 is a count, others are shares."""
    write = _writer(compared.published.value)
    difference = compared.difference
    return PublishedView(
        what=str(compared.published.what),
        published=write(compared.published.value),
        ours=spread(compared.values),
        difference="–" if difference is None else _signed(difference, compared.published.value),
        source=compared.published.source,
    )


def spread(values: Sequence[float]) -> str:
    """``[0.97, 0.98]`` → ``97.5 % ± 0.7``; a single one alone."""
    if not values:
        return "–"
    mean = float(np.mean(values))
    if len(values) < 2:
        return _writer(mean)(mean)
    deviation = float(np.std(values, ddof=1))
    return f"{_writer(mean)(mean)} ± {number(deviation if mean > 1 else 100 * deviation, 1)}"


def _numbers(verdict: Verdict) -> str:
    if math.isnan(verdict.first):
        return "–"
    write = _writer(max(verdict.first, verdict.second))
    text = f"{verdict.claim.first} {write(verdict.first)}, {verdict.claim.second} {write(verdict.second)}"
    if isinstance(verdict.claim.second, float):
        text = f"{verdict.claim.first} {write(verdict.first)} against {write(verdict.second)}"
    size = max(verdict.first, verdict.second)
    text += f"; difference {_signed(verdict.difference, size)}"
    if verdict.interval is None:
        return f"{text}, one seed and so no interval"
    low, high = verdict.interval
    return f"{text}, 95 % interval {_signed(low, size)} to {_signed(high, size)}"


def _writer(size: float) -> Callable[[float], str]:
    """Return how figures of that size are written: counts as they are, shares in percent."""
    return number if size > 1 else percent


def _signed(difference: float, size: float) -> str:
    return signed(difference, 1) if size > 1 else f"{signed(100 * difference, 1)}\u202fpt"
