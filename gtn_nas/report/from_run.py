"""Turn what a run left (a frozen teacher, a study) into what the report shows."""

from __future__ import annotations

import numpy as np
import optuna

from gtn_nas.report.views import SearchView, TeacherView
from gtn_nas.search import trial_rows, verified_rows
from gtn_nas.teacher.frozen import FrozenTeacher

__all__ = ["search_view", "teacher_view"]

_LONG = ("curve", "validation", "chosen_on")  # of a card: not for a table


def teacher_view(teacher: FrozenTeacher) -> TeacherView:
    """Return the teacher's images as pixels (normalisation undone), its schedule, curve and card."""
    channels = teacher.lesson.images.shape[2]
    mean = np.array(teacher.card.get("pixel_mean", [0.0] * channels)).reshape(1, 1, -1, 1, 1)
    std = np.array(teacher.card.get("pixel_std", [1.0] * channels)).reshape(1, 1, -1, 1, 1)
    targets = teacher.lesson.targets.cpu()
    return TeacherView(
        images=teacher.lesson.images.cpu().numpy() * std + mean,
        labels=(targets.argmax(-1) if targets.is_floating_point() else targets).numpy(),
        schedule={name: values.tolist() for name, values in teacher.lesson.hyper.items()},
        curve=teacher.card.get("curve", []),
        card={name: value for name, value in teacher.card.items() if name not in _LONG},
    )


def search_view(study: optuna.Study) -> SearchView:
    """Return the study's trials and its verified finds."""
    return SearchView(trials=trial_rows(study), verified=verified_rows(study))
