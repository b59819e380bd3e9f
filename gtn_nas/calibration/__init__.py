"""Calibrated proxies: from scores and a few true accuracies to expected accuracies with their uncertainty."""

from gtn_nas.calibration.features import Features
from gtn_nas.calibration.model import LEAST_TRAINED, Calibration, Prediction
from gtn_nas.calibration.proxy import Calibrated, Known

__all__ = ["LEAST_TRAINED", "Calibrated", "Calibration", "Features", "Known", "Prediction"]
