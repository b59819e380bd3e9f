"""Where studies are kept: searches that begin at the same moment find or make the same tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from optuna.storages import RDBStorage

from gtn_nas.errors import UserError
from gtn_nas.search import storage


@pytest.mark.parametrize(
    "said",
    [
        "table studies already exists",
        "UNIQUE constraint failed: alembic_version.version_num",
        'duplicate key value violates unique constraint "pg_type_typname_nsp_index"',
    ],
)
def test_one_that_another_search_is_just_making_is_opened(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def race(url: str, **options: Any) -> RDBStorage:
        tries.append(url)
        if len(tries) < 3:
            raise RuntimeError(said)  # SQLite's words, or PostgreSQL's, when both create the tables
        return RDBStorage(url, **options)

    monkeypatch.setattr(storage, "RDBStorage", race)
    monkeypatch.setattr(storage.time, "sleep", lambda seconds: None)
    assert storage.open_storage(f"sqlite:///{tmp_path / 'nas.db'}").get_all_studies() == []
    assert len(tries) == 3


def test_one_that_cannot_be_opened_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.time, "sleep", lambda seconds: pytest.fail("it waited"))
    with pytest.raises(UserError, match="unable to open database file"):
        storage.open_storage("sqlite:////nowhere/at/all/nas.db")
