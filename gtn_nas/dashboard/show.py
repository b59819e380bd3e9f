"""Write what the dashboard shows, and start it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import optuna

from gtn_nas.dashboard.artifacts import artifact_folder, keep_teacher_images
from gtn_nas.dashboard.figures import curves_figure, verified_figure
from gtn_nas.dashboard.note import study_note
from gtn_nas.errors import UserError
from gtn_nas.extras import how_to_install
from gtn_nas.search.storage import existing_storage
from gtn_nas.teacher.frozen import FrozenTeacher

__all__ = ["can_show", "serve", "show_study"]

_PACKAGES = ("optuna_dashboard", "plotly")


def can_show() -> bool:
    """Whether the packages that the dashboard takes are installed."""
    return all(find_spec(name) is not None for name in _PACKAGES)


def show_study(study: optuna.Study, storage: str, teacher: FrozenTeacher | None = None) -> None:
    """Write the study's note, its figures and its teacher's images; what was there before is replaced."""
    from optuna_dashboard import save_note, save_plotly_graph_object

    if teacher is not None:
        keep_teacher_images(study, teacher, artifact_folder(storage))
    save_note(study, study_note(study))
    for name, figure in (("learning-curves", curves_figure(study)), ("verified", verified_figure(study))):
        if figure is not None:
            save_plotly_graph_object(study, figure, graph_object_id=name)


def serve(
    storage: str,
    host: str,
    port: int,
    artifacts: Path | None = None,
    announce: Callable[[str], None] = lambda address: None,
) -> None:
    """Run the dashboard until it is interrupted; ``announce`` is told its address.

    Raises:
        UserError: it is not installed, the storage is not there or cannot be opened, or the address is taken.
    """
    if not can_show():
        raise UserError(f"the dashboard is not installed; {how_to_install('dashboard')}.")
    from optuna.artifacts import FileSystemArtifactStore
    from optuna_dashboard import run_server

    opened = existing_storage(storage)
    folder = artifacts or artifact_folder(storage)
    folder.mkdir(parents=True, exist_ok=True)
    announce(f"http://{host}:{port}/")
    try:
        run_server(opened, host=host, port=port, artifact_store=FileSystemArtifactStore(folder))
    except OSError as error:
        raise UserError(f"cannot serve on {host}:{port} ({error.strerror}); give another --port.") from error
