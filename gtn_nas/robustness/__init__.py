"""Robustness: corruptions of and attacks on images, and how accurate any classifier is after them."""

from gtn_nas.robustness.attacks import fgsm, iterated_fgsm, penalised_fgsm, pgd
from gtn_nas.robustness.corruptions import blur, noise
from gtn_nas.robustness.curve import FGSM_EPSILON, Curve, accuracy_curve, fgsm_accuracy
from gtn_nas.robustness.of_model import curve_of_model, images_for
from gtn_nas.robustness.subject import Logits, PixelRange, Subject, check_strength
from gtn_nas.robustness.trials import (
    BLUR_GRID,
    EPSILON_GRID,
    ITERATED_FGSM_GRID,
    NOISE_GRID,
    PENALISED_FGSM_GRID,
    TRIALS,
    Trial,
    find_trials,
)

__all__ = [
    "BLUR_GRID",
    "EPSILON_GRID",
    "FGSM_EPSILON",
    "ITERATED_FGSM_GRID",
    "NOISE_GRID",
    "PENALISED_FGSM_GRID",
    "TRIALS",
    "Curve",
    "Logits",
    "PixelRange",
    "Subject",
    "Trial",
    "accuracy_curve",
    "blur",
    "check_strength",
    "curve_of_model",
    "fgsm",
    "fgsm_accuracy",
    "find_trials",
    "images_for",
    "iterated_fgsm",
    "noise",
    "penalised_fgsm",
    "pgd",
]
