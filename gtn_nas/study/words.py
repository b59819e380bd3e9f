"""What a study found, in words and numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from gtn_nas.report.study_page import ClaimView, PublishedView
from gtn_nas.report.text import ABSENT, number, percent, points, signed
from gtn_nas.study.claims import Verdict
from gtn_nas.study.comparison import Compared

__all__ = ["claim_in_words", "in_words", "is_correlation", "published_in_words", "sentences", "spread", "summary"]

_MOODS = {"holds": "good", "fails": "bad"}
_COUNTED = {"fails": "contradicted", "undecided": "undecided", "not measured": "not measured"}
_COUNTS = ("accepted",)  # figures that are numbers of networks
_CORRELATIONS = ("spearman", "spearman_top")
_CLOSE = 0.01


def is_correlation(figure: str) -> bool:
    """Whether a figure lies between -1 and 1; all others but numbers of networks are shares."""
    return figure.partition(".")[0] in _CORRELATIONS


def in_words(reading: str) -> str:
    """``.loss+flops`` → ``loss and FLOPs``: what a lesson's score is made of."""
    return reading.removeprefix(".").replace("flops", "FLOPs").replace("+", " and ")


def summary(verdicts: Sequence[Verdict], comparable: bool, failed: int = 0) -> str:
    """Return the page's headline: how many expectations hold, and how many runs failed."""
    counts: Counter[str] = Counter(verdict.outcome for verdict in verdicts)
    lost = f" {failed} {'run' if failed == 1 else 'runs'} failed." if failed else ""
    if not comparable:
        return f"A trial run: nothing is measured.{lost or ' Everything works.'}"
    if not verdicts:
        return f"Nothing was expected; the numbers stand for themselves.{lost}"
    parts = [f"{counts['holds']} of {len(verdicts)} expectations hold"]
    parts += [f"{counts[name]} {word}" for name, word in _COUNTED.items() if counts[name]]
    return ", ".join(parts) + f".{lost}"


def sentences(verdicts: Sequence[Verdict], compared: Sequence[Compared]) -> list[str]:
    """Return what became of the expectations, the contradicted ones first, and how near the published figures are."""
    found = [f"Contradicted: {v.claim.says} ({_numbers(v)})." for v in verdicts if v.outcome == "fails"]
    for outcome, word in (("undecided", "Undecided"), ("holds", "As expected")):
        named = [v.claim.says for v in verdicts if v.outcome == outcome]
        found += [f"{word}: {'; '.join(named)}."] if named else []
    figures = [(one.published.what.figure, one.difference) for one in compared]
    known = [x for name, x in figures if x is not None and name not in _COUNTS and not is_correlation(name)]
    if known:
        near = sum(abs(difference) <= _CLOSE for difference in known)
        low, high = points(min(known)), points(max(known))
        found.append(
            f"Published figures that were measured as well: {len(known)}, of which {near} are met within a point; ours "
            f"less theirs runs from {low} to {high}, {points(float(np.mean(known)))} on average."
        )
    return found


def claim_in_words(verdict: Verdict) -> ClaimView:
    """Return a row of the table of claims."""
    mood = _MOODS.get(verdict.outcome, "muted")
    outcome = "contradicted" if verdict.outcome == "fails" else verdict.outcome
    return ClaimView(verdict.claim.says, outcome, mood, _numbers(verdict))


def published_in_words(compared: Compared) -> PublishedView:
    """Return a row of the comparison."""
    figure, difference = compared.published.what.figure, compared.difference
    return PublishedView(
        what=str(compared.published.what),
        published=_write(compared.published.value, figure),
        ours=spread(compared.values, figure),
        difference=ABSENT if difference is None else _signed(difference, figure),
        source=compared.published.source,
    )


def spread(values: Sequence[float], figure: str) -> str:
    """``[0.97, 0.98]`` → ``97.5 % ± 0.7``; a single one alone."""
    if not values:
        return ABSENT
    mean = _write(float(np.mean(values)), figure)
    if len(values) < 2:
        return mean
    deviation = float(np.std(values, ddof=1))
    if is_correlation(figure):
        return f"{mean} ± {number(deviation, 2)}"
    return f"{mean} ± {number(deviation if figure in _COUNTS else 100 * deviation, 1)}"


def _numbers(verdict: Verdict) -> str:
    if verdict.missing is not None:
        return f"“{verdict.missing.variant}” has no figure {verdict.missing.figure}"
    claim, figure = verdict.claim, verdict.claim.first.figure
    second = "" if isinstance(claim.second, float) else f"{claim.second} "
    text = f"{claim.first} {_write(verdict.first, figure)} against {second}{_write(verdict.second, figure)}"
    text += f", difference {_signed(verdict.difference, figure)}"
    if verdict.interval is None:
        return f"{text}; of one value, and so without an interval"
    low, high = verdict.interval
    return f"{text}, 95 % interval {_signed(low, figure)} to {_signed(high, figure)}"


def _write(value: float, figure: str) -> str:
    if is_correlation(figure):
        return number(value, 2)
    return number(value, 0) if figure in _COUNTS else percent(value)


def _signed(difference: float, figure: str) -> str:
    if is_correlation(figure):
        return signed(difference, 2)
    return signed(difference, 0) if figure in _COUNTS else f"{signed(100 * difference, 1)}\u202fpt"
