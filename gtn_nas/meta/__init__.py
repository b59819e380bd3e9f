"""The shared meta-trainer: inner loop, meta-gradient engines, outer loop."""

from gtn_nas.meta.config import MetaConfig
from gtn_nas.meta.engines import ENGINES, Engine
from gtn_nas.meta.exam import Exam, MetaGradient, examine
from gtn_nas.meta.inner import INNER_OPTIMISERS, InnerOptimiser, inner_optimiser
from gtn_nas.meta.learner import Learner
from gtn_nas.meta.teach import Grade, grade, teach
from gtn_nas.meta.trainer import MetaTrainer, OuterStep

__all__ = [
    "ENGINES",
    "INNER_OPTIMISERS",
    "Engine",
    "Exam",
    "Grade",
    "InnerOptimiser",
    "Learner",
    "MetaConfig",
    "MetaGradient",
    "MetaTrainer",
    "OuterStep",
    "examine",
    "grade",
    "inner_optimiser",
    "teach",
]
