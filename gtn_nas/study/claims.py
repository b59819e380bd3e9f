"""What a study is expected to show, and whether its results show it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from scipy.stats import t as student

from gtn_nas.study.measured import Measured

__all__ = ["Claim", "Interval", "Place", "Verdict", "judge"]

Interval = tuple[float, float]
_LEVEL = 0.95


class Place(BaseModel):
    """Where a measured value stands; in TOML ``variant:figure``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    variant: str
    figure: str

    def __str__(self) -> str:
        return f"{self.variant} {self.figure}"


def _place(value: object) -> object:
    if not isinstance(value, str):
        return value
    variant, _, figure = value.rpartition(":")
    if not variant or not figure:
        raise ValueError(f"a measured value is written variant:figure, but got {value!r}")
    return {"variant": variant.strip(), "figure": figure.strip()}


AnyPlace = Annotated[Place, BeforeValidator(_place)]


class Claim(BaseModel):
    """``first`` is above, below or equal to ``second`` (another measured value, or a number), up to ``margin``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    says: Annotated[str, Field(min_length=1)]
    first: AnyPlace
    relation: Literal["above", "below", "equal", "at_least"]
    second: float | AnyPlace
    margin: Annotated[float, Field(ge=0)] = 0.0


@dataclass(frozen=True)
class Verdict:
    """Whether a claim holds: the two means, and the 95 % interval of their difference where there is one.

    ``missing``: what was not measured.
    """

    claim: Claim
    outcome: Literal["holds", "fails", "undecided", "not measured", "not judged"]
    first: float = math.nan
    second: float = math.nan
    interval: Interval | None = None
    missing: Place | None = None

    @property
    def difference(self) -> float:
        """First less second."""
        return self.first - self.second


def judge(claim: Claim, measured: Measured, interval: Interval | None = None) -> Verdict:
    """Return whether ``claim`` holds.

    It holds where all of the 95 % interval of the difference says so, fails where all of it denies it, and is
    undecided between, or where there is no interval. That is ``interval`` where it is given, else one over seeds:
    Student's of their differences where both figures are of the same variant, and so of the same runs, and Welch's
    (1947) of two variants. A figure that sums up all runs is one number, and decides by itself.
    """
    places = [place for place in (claim.first, claim.second) if isinstance(place, Place)]
    values = [measured.values(place.variant, place.figure) for place in places]
    for place, found in zip(places, values, strict=True):
        if not found:
            return Verdict(claim, "not measured", missing=place)
    first = float(np.mean(values[0]))
    second = claim.second if isinstance(claim.second, float) else float(np.mean(values[1]))
    interval = interval or _over_seeds(claim, measured, values)
    decides = interval is not None or all(measured.sums_up(place.variant, place.figure) for place in places)
    low, high = interval or (first - second, first - second)
    return Verdict(claim, _outcome(claim, low, high) if decides else "undecided", first, second, interval)


def _outcome(claim: Claim, low: float, high: float) -> Literal["holds", "fails", "undecided"]:
    wanted = {
        "above": (claim.margin, math.inf),
        "below": (-math.inf, -claim.margin),
        "equal": (-claim.margin, claim.margin),
        "at_least": (-claim.margin, math.inf),
    }
    lowest, highest = wanted[claim.relation]
    strict = claim.relation in ("above", "below")
    inside = (lowest < low and high < highest) if strict else (lowest <= low and high <= highest)
    outside = (high <= lowest or low >= highest) if strict else (high < lowest or low > highest)
    return "holds" if inside else "fails" if outside else "undecided"


def _over_seeds(claim: Claim, measured: Measured, values: Sequence[Sequence[float]]) -> Interval | None:
    first, second = claim.first, claim.second
    if isinstance(second, float):
        return _interval([np.subtract(values[0], second)])
    if first.variant == second.variant:
        return _interval([measured.differences(first.variant, first.figure, second.figure)])
    return _interval([values[0], np.negative(values[1])])


def _interval(samples: Sequence[ArrayLike]) -> Interval | None:
    """Return the interval of the sum of the samples' means; None where one has fewer than two values."""
    found = [np.asarray(sample, dtype=float) for sample in samples]
    if min(map(len, found)) < 2:
        return None
    middle = float(sum(sample.mean() for sample in found))
    errors = [float(sample.var(ddof=1)) / len(sample) for sample in found]  # squared, of the means
    if sum(errors) == 0:
        return middle, middle
    freedom = sum(errors) ** 2 / sum(error**2 / (len(one) - 1) for error, one in zip(errors, found, strict=True))
    half = float(student.ppf((1 + _LEVEL) / 2, freedom)) * math.sqrt(sum(errors))
    return middle - half, middle + half
