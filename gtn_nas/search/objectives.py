"""What a search wants."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from gtn_nas.errors import UserError
from gtn_nas.proxy import Proxy
from gtn_nas.search.evaluator import CandidateFailed, Evaluation
from gtn_nas.search.limits import Limits

__all__ = ["OBJECTIVES", "Goal", "Objective"]

FGSM = "fgsm_accuracy"


@dataclass(frozen=True)
class Objective:
    """A figure of an evaluation that is to be as high or as low as possible."""

    name: str
    direction: Literal["maximize", "minimize"]
    read: Callable[[Evaluation], float]


def _loss(evaluation: Evaluation) -> float:
    if "loss" not in evaluation.readings:
        raise UserError("this proxy has no loss; use --objective accuracy, which stands for any proxy's score.")
    return -evaluation.readings["loss"]


def _fgsm(evaluation: Evaluation) -> float:
    if FGSM not in evaluation.readings:
        raise UserError(f"this proxy has no {FGSM}: it trains no network that could be attacked; use gtn.")
    return evaluation.readings[FGSM]


def _latency(evaluation: Evaluation) -> float:
    assert evaluation.latency is not None  # it is measured where a search asks for it
    return evaluation.latency


OBJECTIVES = {
    objective.name: objective
    for objective in (
        Objective("accuracy", "maximize", lambda evaluation: evaluation.value),
        Objective("loss", "minimize", _loss),
        Objective(FGSM, "maximize", _fgsm),
        Objective("params", "minimize", lambda evaluation: float(evaluation.params)),
        Objective("flops", "minimize", lambda evaluation: float(evaluation.flops)),
        Objective("latency", "minimize", _latency),
    )
}


@dataclass(frozen=True)
class Goal:
    """The objectives of a search, by name, and the limits of its candidates' costs.

    Raises:
        UserError: an unknown objective, or one twice.
    """

    names: tuple[str, ...] = ("accuracy",)
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        for name in self.names:
            if name not in OBJECTIVES:
                raise UserError(f"unknown objective {name!r}; use one of {', '.join(OBJECTIVES)}.")
        if len(set(self.names)) < len(self.names):
            raise UserError(f"each objective counts once, but got {', '.join(self.names)}; leave the repeated one out.")

    @property
    def directions(self) -> list[Literal["maximize", "minimize"]]:
        """Optuna's word for each."""
        return [OBJECTIVES[name].direction for name in self.names]

    @property
    def timed(self) -> bool:
        """Whether latency matters."""
        return "latency" in self.names or self.limits.latency is not None

    def prepared(self, proxy: Proxy) -> Proxy:
        """Return ``proxy`` made to measure what the objectives ask for.

        Raises:
            UserError: it cannot.
        """
        return proxy.attacked() if FGSM in self.names else proxy

    def is_served_by(self, known: Evaluation) -> bool:
        """Whether an earlier evaluation of a candidate, perhaps for other objectives, holds what these ask for."""
        timed = known.latency is not None or not self.timed
        return timed and (FGSM in known.readings or FGSM not in self.names)

    def values(self, evaluation: Evaluation) -> list[float]:
        """Return what the objectives read.

        Raises:
            UserError: the proxy does not give one of them.
        """
        return [OBJECTIVES[name].read(evaluation) for name in self.names]

    def finite_values(self, evaluation: Evaluation) -> list[float]:
        """Return :meth:`values`.

        Raises:
            UserError: the proxy does not give one of them.
            CandidateFailed: one is not finite, as the loss of a learner that diverged.
        """
        values = self.values(evaluation)
        for name, value in zip(self.names, values, strict=True):
            if not math.isfinite(value):
                raise CandidateFailed(f"its {name} is not finite: {value}")
        return values
