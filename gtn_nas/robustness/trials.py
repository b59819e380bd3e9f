"""The trials by name, each with the strengths that its curve is measured at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gtn_nas.errors import UserError
from gtn_nas.robustness.attacks import fgsm, iterated_fgsm, penalised_fgsm, pgd
from gtn_nas.robustness.corruptions import blur, noise
from gtn_nas.robustness.subject import Subject

__all__ = [
    "BLUR_GRID",
    "EPSILON_GRID",
    "ITERATED_FGSM_GRID",
    "NOISE_GRID",
    "PENALISED_FGSM_GRID",
    "TRIALS",
    "Trial",
    "find_trials",
]


def _evenly(first: float, last: float, count: int) -> tuple[float, ...]:
    return tuple(round(float(value), 10) for value in np.linspace(first, last, count))


# Willisk's fork of Such et al.'s code
NOISE_GRID = _evenly(0, 1.6, 10)
BLUR_GRID = _evenly(0.01, 5, 10)
ITERATED_FGSM_GRID = _evenly(0.001, 0.02, 6)
PENALISED_FGSM_GRID = (20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0)
# Ours; 0.3 is what Madry et al. (2018) defend MNIST against
EPSILON_GRID = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3)


@dataclass(frozen=True)
class Trial:
    """What is done to images, at which strengths; ``axis`` is the strength in words."""

    name: str
    apply: Callable[[Subject, float, torch.Generator], Tensor]
    strengths: Sequence[float]
    axis: str


TRIALS = {
    trial.name: trial
    for trial in (
        Trial("noise", noise, NOISE_GRID, "deviation of the noise, normalised units"),
        Trial("blur", blur, BLUR_GRID, "deviation of the blur, pixels"),
        Trial("fgsm", fgsm, EPSILON_GRID, "ε, pixels from 0 to 1"),
        Trial("pgd", pgd, EPSILON_GRID, "ε, pixels from 0 to 1"),
        Trial("iterated_fgsm", iterated_fgsm, ITERATED_FGSM_GRID, "each of 30 steps, normalised units"),
        Trial("penalised_fgsm", penalised_fgsm, PENALISED_FGSM_GRID, "inverse weight of the distance"),
    )
}


def find_trials(names: Sequence[str]) -> list[Trial]:
    """Return the trials of these names, all of them where none is named.

    Raises:
        UserError: there is none of that name.
    """
    for name in names:
        if name not in TRIALS:
            raise UserError(f"unknown trial {name!r}; use one of {', '.join(TRIALS)}.")
    return [TRIALS[name] for name in dict.fromkeys(names)] or list(TRIALS.values())
