"""The small model of real accuracy: Bayesian linear regression on scores, counts and the architecture itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, ndtri

from gtn_nas.errors import UserError

__all__ = ["LEAST_TRAINED", "PRIOR", "Calibration", "Prediction"]

Values = npt.NDArray[np.float64]
LEAST_TRAINED = 8  # architectures with a true accuracy, below which there is little to fit
_SLOPE = 0.75  # correlation of the scores with the logit of accuracy that is expected before anything is known
_LEAST_SPREAD = 1e-3  # of logits: where trainings do not tell architectures apart, the scores still do
_NOISE = 8.0  # variance of what no feature explains, in units of a weight's variance: what is expected of it
_NOISE_FACTOR = 3.0  # by which it may well differ
_NOISES = tuple(_NOISE * 2.0**power for power in range(-6, 3))
PRIOR = (_SLOPE, _LEAST_SPREAD, _NOISE, _NOISE_FACTOR)  # with another, the same trainings give another score
_Z95 = float(ndtri(0.975))


@dataclass(frozen=True)
class Prediction:
    """What the model expects of architectures ``[n]``: the median accuracy and the 95 % interval, as fractions."""

    accuracy: Values
    low: Values
    high: Values


@dataclass(frozen=True)
class Calibration:
    """From features to the logit of real accuracy, linearly, trusting the scores until trainings say otherwise.

    Weights have a normal prior around a rise along the scores, its width chosen by evidence and by what is usual
    (Rasmussen and Williams, 2006, sections 2.1 and 5.4). The firm prior is what makes it safe: left to the evidence
    alone, 8 or 16 trainings, or trainings of nothing but a search's favourites, ranked worse than the score itself.

    ``slope``: of the logit along the scores; ``scale``: standard deviation of a weight; ``noise``: in units of its
    variance.
    """

    process: Any
    centre: float
    slope: float
    scale: float
    noise: float

    @classmethod
    def fit(cls, features: Values, accuracies: Values) -> Calibration:
        """Fit to trained architectures.

        Args:
            features: ``[K, d]``, of :class:`gtn_nas.calibration.Features`.
            accuracies: ``[K]``, fractions.

        Raises:
            UserError: fewer than ``LEAST_TRAINED``, or a feature or accuracy that is not finite.
        """
        if len(accuracies) < LEAST_TRAINED:
            raise UserError(
                f"calibration needs at least {LEAST_TRAINED} architectures that were trained for real, but has "
                f"{len(accuracies)}; train more with gtn-nas truth."
            )
        if not (np.isfinite(features).all() and np.isfinite(accuracies).all()):
            raise UserError("calibration needs finite scores and accuracies; leave out what could not be scored.")
        target = _to_scale(accuracies)
        slope = _SLOPE * max(float(target.std()), _LEAST_SPREAD)  # that of the scores is one
        left = target - slope * features[:, 0]
        centre = float(left.mean())
        fits = [_fit(features, left - centre, noise) for noise in _NOISES]
        process, variance, noise, _ = max(fits, key=lambda fit: fit[-1])
        return cls(process, centre, slope, variance**0.5, noise)

    def predict(self, features: Values) -> Prediction:
        """Predict architectures by their features ``[n, d]``."""
        found, deviation = self.process.predict(features, return_std=True)
        middle = self.centre + self.slope * features[:, 0] + found
        reach = _Z95 * self.scale * np.sqrt(deviation**2 + self.noise)
        return Prediction(expit(middle), expit(middle - reach), expit(middle + reach))


def _fit(features: Values, target: Values, noise: float) -> tuple[Any, float, float, float]:
    """Return the process with this noise, the weights' most likely variance, the noise, and its log posterior."""
    from sklearn.gaussian_process import GaussianProcessRegressor  # a second that other searches need not wait for
    from sklearn.gaussian_process.kernels import DotProduct

    process = GaussianProcessRegressor(DotProduct(0.0, "fixed"), alpha=noise, optimizer=None).fit(features, target)
    variance = max(float(target @ process.alpha_) / len(target), 1e-9)
    evidence = -0.5 * len(target) * math.log(variance) - float(np.log(np.diag(process.L_)).sum())
    usual = -0.5 * (math.log(noise / _NOISE) / math.log(_NOISE_FACTOR)) ** 2
    return process, variance, noise, evidence + usual


def _to_scale(accuracies: Values) -> Values:
    """Logit, the ends kept finite: what separates 0.98 from 0.99 is worth what separates 0.50 from 0.67."""
    value: Values = logit(np.clip(accuracies, 1e-3, 1 - 1e-3))
    return value
