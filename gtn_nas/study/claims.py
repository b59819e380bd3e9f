"""What a study is expected to show, and whether its results show it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from scipy.stats import t as student

from gtn_nas.study.measured import Measured

__all__ = ["Claim", "Place", "Verdict", "judge"]

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
    """Whether a claim holds: the two means, their difference, and its 95 % interval where seeds give one."""

    claim: Claim
    outcome: Literal["holds", "fails", "undecided", "not measured", "not judged"]
    first: float = math.nan
    second: float = math.nan
    interval: tuple[float, float] | None = None

    @property
    def difference(self) -> float:
        """First less second."""
        return self.first - self.second


def judge(claim: Claim, measured: Measured) -> Verdict:
    """Return whether ``claim`` holds.

    It holds where all of the 95 % interval of the difference (Welch, 1947, over seeds) says so, fails where all of it
    denies it, and is undecided between. Where one seed gives no interval, the means decide.
    """
    first = measured.values(claim.first.variant, claim.first.figure)
    known = isinstance(claim.second, Place)
    second = measured.values(claim.second.variant, claim.second.figure) if isinstance(claim.second, Place) else []
    if not first or (known and not second):
        return Verdict(claim, "not measured")
    against = second if isinstance(claim.second, Place) else [claim.second]
    interval = _interval(first, against, fixed=not known)
    difference = float(np.mean(first) - np.mean(against))
    low, high = interval or (difference, difference)
    return Verdict(claim, _outcome(claim, low, high), float(np.mean(first)), float(np.mean(against)), interval)


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


def _interval(first: Sequence[float], second: Sequence[float], fixed: bool) -> tuple[float, float] | None:
    """Return the interval of the difference of means; ``fixed``: the second is a number, not a measurement."""
    samples = [first] if fixed else [first, second]
    if min(map(len, samples)) < 2:
        return None
    difference = float(np.mean(first) - np.mean(second))
    errors = [float(np.var(sample, ddof=1)) / len(sample) for sample in samples]  # squared, of the means
    if sum(errors) == 0:
        return difference, difference
    freedom = sum(errors) ** 2 / sum(error**2 / (len(one) - 1) for error, one in zip(errors, samples, strict=True))
    half = float(student.ppf((1 + _LEVEL) / 2, freedom)) * math.sqrt(sum(errors))
    return difference - half, difference + half
