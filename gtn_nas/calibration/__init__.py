"""Calibrated proxies: from scores and a few true accuracies to expected accuracies with their uncertainty."""

from gtn_nas.calibration.encoding import encode
from gtn_nas.calibration.features import features
from gtn_nas.calibration.model import LEAST_TRAINED, Calibration, Prediction

__all__ = ["LEAST_TRAINED", "Calibration", "Prediction", "encode", "features"]
