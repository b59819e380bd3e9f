"""What optuna-dashboard shows of a search besides its trials: a note, the teacher's images, figures."""

from gtn_nas.dashboard.artifacts import artifact_folder, keep_teacher_images
from gtn_nas.dashboard.figures import curves_figure, verified_figure
from gtn_nas.dashboard.note import study_note
from gtn_nas.dashboard.show import can_show, serve, show_study

__all__ = [
    "artifact_folder",
    "can_show",
    "curves_figure",
    "keep_teacher_images",
    "serve",
    "show_study",
    "study_note",
    "verified_figure",
]
