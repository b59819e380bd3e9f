"""Real training, the measure that every proxy is held against."""

from gtn_nas.training.recipe import Recipe
from gtn_nas.training.train import (
    Fitted,
    TrainingResult,
    accuracy,
    fit,
    predict,
    rate_by_step,
    steps_per_epoch,
    train_architecture,
    train_network,
)

__all__ = [
    "Fitted",
    "Recipe",
    "TrainingResult",
    "accuracy",
    "fit",
    "predict",
    "rate_by_step",
    "steps_per_epoch",
    "train_architecture",
    "train_network",
]
