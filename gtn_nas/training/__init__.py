"""Real training, the measure that every proxy is held against."""

from gtn_nas.training.recipe import Recipe
from gtn_nas.training.train import TrainingResult, accuracy, predict, train_architecture, train_network

__all__ = ["Recipe", "TrainingResult", "accuracy", "predict", "train_architecture", "train_network"]
