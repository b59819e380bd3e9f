"""A proxy whose score is the accuracy to be expected, by what is known of other architectures."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gtn_nas.calibration.features import Features
from gtn_nas.calibration.model import PRIOR, Calibration, Prediction
from gtn_nas.fingerprint import fingerprint
from gtn_nas.proxy import Proxy, See
from gtn_nas.space import Architecture

__all__ = ["Calibrated", "Known"]


@dataclass(frozen=True)
class Known:
    """An architecture that was trained for real: its accuracy (a fraction), the proxy's score, its size."""

    architecture: Architecture
    accuracy: float
    score: float
    params: int
    flops: int


class Calibrated(Proxy):
    """Score: the real accuracy that a model of ``known`` expects from another proxy's score, size and architecture.

    Other readings: that proxy's own, its score as ``score``, and the ends of the 95 % interval, ``low`` and ``high``.

    Args:
        proxy: the score to calibrate.
        known: architectures that were trained for real.
        reference: all that a search has scored, by whose spread scores and sizes are measured as well: its trained
            favourites, which are among them, are too much alike.

    Raises:
        UserError: too few architectures are known.
    """

    name = "calibrated"

    def __init__(self, proxy: Proxy, known: Sequence[Known], reference: Sequence[Known] = ()) -> None:
        super().__init__(proxy.space, proxy.task)
        self.proxy, self.known = proxy, sorted(known, key=lambda one: proxy.space.key(one.architecture))
        self.seeded, self.steps = proxy.seeded, proxy.steps
        self._reference = sorted(proxy.space.key(one.architecture) for one in reference)
        self._features = Features.of(proxy.space, *_described([*known, *reference]))
        self._model = Calibration.fit(self._features(*_described(known)), np.array([one.accuracy for one in known]))

    @property
    def fingerprint(self) -> str:
        """Hash of the other proxy's, of what is known, of the reference, and of what the model expects beforehand.

        Scores are left out: the other proxy's fingerprint stands for them, and their last bits depend on the threads.
        """
        known = [(self.space.key(one.architecture), one.accuracy) for one in self.known]
        return fingerprint(repr((self.name, self.proxy.fingerprint, known, self._reference, PRIOR)))

    def attacked(self) -> Calibrated:
        """Return the same with the other proxy's ``fgsm_accuracy`` among the readings."""
        made = copy.copy(self)
        made.proxy = self.proxy.attacked()
        return made

    def predict(self, candidates: Sequence[Known]) -> Prediction:
        """Predict candidates by their scores and sizes; their accuracies are not looked at."""
        return self._model.predict(self._features(*_described(candidates)))

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        """Score by the other proxy, then predict."""
        return self._expected(architecture, self.proxy.measure(architecture, seed))

    def watched(self, architecture: Architecture, seed: int, see: See) -> tuple[float, dict[str, float]]:
        """Measure; what is shown on the way is the other proxy's."""
        return self._expected(architecture, self.proxy.watched(architecture, seed, see))

    def _expected(
        self, architecture: Architecture, measured: tuple[float, dict[str, float]]
    ) -> tuple[float, dict[str, float]]:
        score, readings = measured
        cost = self.space.cost(architecture, self.task)
        found = self.predict([Known(architecture, 0.0, score, cost.params, cost.flops)])
        ends = {"low": float(found.low[0]), "high": float(found.high[0])}
        return float(found.accuracy[0]), {**readings, "score": score, **ends}


def _described(some: Sequence[Known]) -> tuple[list[Architecture], dict[str, np.ndarray], dict[str, np.ndarray]]:
    counts = {name: np.array([float(getattr(one, name)) for one in some]) for name in ("params", "flops")}
    return [one.architecture for one in some], counts, {"score": np.array([one.score for one in some])}
