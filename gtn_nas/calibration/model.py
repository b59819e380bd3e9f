"""The small model of real accuracy: Bayesian ridge regression on scores, counts and the architecture itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn.linear_model import BayesianRidge

from gtn_nas.errors import UserError

__all__ = ["LEAST_TRAINED", "Calibration", "Prediction"]

Values = npt.NDArray[np.float64]
LEAST_TRAINED = 8  # architectures with a true accuracy, below which there is little to fit
_Z95 = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Prediction:
    """What the model expects of architectures ``[n]``: the median accuracy and the 95 % interval, as fractions."""

    accuracy: Values
    low: Values
    high: Values


@dataclass(frozen=True)
class Calibration:
    """From features to the logit of real accuracy, linearly, with as much shrinkage as the data call for.

    Strengths of prior and noise are those of the highest evidence (MacKay, 1992; scikit-learn's ``BayesianRidge``). A
    Gaussian process predicted no better from 16 to 48 architectures, and takes a hundred times as long.
    """

    ridge: Any

    @classmethod
    def fit(cls, features: Values, accuracies: Values) -> Calibration:
        """Fit to trained architectures.

        Args:
            features: ``[K, d]``, of :func:`gtn_nas.calibration.features`, made together with those to be predicted.
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
        return cls(BayesianRidge().fit(features, _to_scale(accuracies)))

    def predict(self, features: Values) -> Prediction:
        """Predict architectures by their features ``[n, d]``."""
        mean, deviation = self.ridge.predict(features, return_std=True)
        reach = _Z95 * deviation
        return Prediction(expit(mean), expit(mean - reach), expit(mean + reach))


def _to_scale(accuracies: Values) -> Values:
    """Logit, the ends kept finite: what separates 0.98 from 0.99 is worth what separates 0.50 from 0.67."""
    value: Values = logit(np.clip(accuracies, 1e-3, 1 - 1e-3))
    return value
