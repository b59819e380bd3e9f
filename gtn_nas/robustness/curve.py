"""Accuracy against strength."""

from __future__ import annotations

import torch

from gtn_nas.errors import UserError
from gtn_nas.robustness.attacks import fgsm
from gtn_nas.robustness.subject import Logits, PixelRange, Subject
from gtn_nas.robustness.trials import Trial
from gtn_nas.task import Split

__all__ = ["FGSM_EPSILON", "Curve", "accuracy_curve", "fgsm_accuracy"]

Curve = list[tuple[float, float]]
FGSM_EPSILON = 0.05  # pixels from 0 to 1: networks that nobody defended differ most where the attack is weak
_AT_ONCE = 1000  # images, as in the fork: what batches share there, they share here


def accuracy_curve(
    trial: Trial, logits: Logits, split: Split, valid: PixelRange, seed: int = 0, at_once: int = _AT_ONCE
) -> Curve:
    """Return (strength, accuracy) for every strength of ``trial``.

    Args:
        trial: what is done to the images.
        logits: the model, for normalised images; it is asked as it is, in training or in evaluation mode.
        split: images and labels.
        valid: what their values may be.
        seed: of what is drawn, the same at every strength.
        at_once: images in a batch; the model sees whole batches.

    Raises:
        UserError: a strength means nothing, or there is no image.
    """
    if not len(split):
        raise UserError(f"accuracy under {trial.name} needs images, but there are none; give at least one.")
    subjects = [
        Subject(logits, images, labels, valid)
        for images, labels in zip(split.images.split(at_once), split.labels.split(at_once), strict=True)
    ]
    curve: Curve = []
    for strength in trial.strengths:
        rng = torch.Generator().manual_seed(seed)
        correct = [
            subject.accuracy_on(trial.apply(subject, strength, rng)) * len(subject.labels) for subject in subjects
        ]
        curve.append((strength, sum(correct) / len(split)))
    return curve


def fgsm_accuracy(logits: Logits, split: Split, valid: PixelRange, at_once: int = _AT_ONCE) -> float:
    """Return the accuracy after FGSM at ε = 0.05 of the way from black to white, as :func:`accuracy_curve` does."""
    ((_, found),) = accuracy_curve(Trial("fgsm", fgsm, (FGSM_EPSILON,), ""), logits, split, valid, at_once=at_once)
    return found
