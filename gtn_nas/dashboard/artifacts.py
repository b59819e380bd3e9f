"""Pictures that lie beside a storage, for the dashboard to serve."""

from __future__ import annotations

import tempfile
from pathlib import Path

import optuna
from optuna.artifacts import FileSystemArtifactStore, upload_artifact
from platformdirs import user_data_path

from gtn_nas.fingerprint import fingerprint
from gtn_nas.report import teacher_view
from gtn_nas.report.grid import teacher_grid
from gtn_nas.teacher.frozen import FrozenTeacher

__all__ = ["KEPT", "artifact_folder", "keep_teacher_images"]

_SQLITE = "sqlite:///"
KEPT = "teacher_images"  # attribute of a study: whose images it has, and the artifact's name


def artifact_folder(storage: str) -> Path:
    """Return where a storage's pictures lie: beside an SQLite file, else among the user's data."""
    if storage.startswith(_SQLITE):
        path = Path(storage.removeprefix(_SQLITE))
        return path.with_name(f"{path.name}.artifacts")
    return user_data_path("gtn-nas") / "artifacts" / fingerprint(storage)


def keep_teacher_images(study: optuna.Study, teacher: FrozenTeacher, folder: Path) -> None:
    """Add the teacher's image grid to the study, once; attribute ``teacher_images`` then names it."""
    if study.user_attrs.get(KEPT, {}).get("teacher") == teacher.fingerprint:
        return
    folder.mkdir(parents=True, exist_ok=True)
    view = teacher_view(teacher)
    with tempfile.TemporaryDirectory() as scratch:
        picture = Path(scratch) / "teacher.png"
        picture.write_bytes(teacher_grid(view.images, view.labels))
        name = upload_artifact(
            artifact_store=FileSystemArtifactStore(folder),
            file_path=str(picture),
            study_or_trial=study,
            mimetype="image/png",
        )
    study.set_user_attr(KEPT, {"teacher": teacher.fingerprint, "artifact": name})
