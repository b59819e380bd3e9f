"""Where studies are kept: searches that begin at the same moment find or make the same tables."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from optuna.storages import RDBStorage

from gtn_nas.errors import UserError
from gtn_nas.proxy import Params
from gtn_nas.search import make_sampler, open_study, search, settled_trials, storage
from gtn_nas.search.storage import existing_storage
from gtn_nas.space import Architecture
from gtn_nas.task import Task
from search_spaces.cnn_small import CnnSmall


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


def test_a_malformed_address_is_a_sentence() -> None:
    with pytest.raises(UserError, match=r"cannot open storage 'sqlite:nas.db' .*give a URL such as sqlite:///nas.db"):
        existing_storage("sqlite:nas.db")


def test_a_storage_that_fails_in_a_search_is_a_sentence(digits: Task, tmp_path: Path) -> None:
    class Full(Params):
        """The disk is full once the third candidate is scored."""

        def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
            if len(study.trials) == 3:
                with sqlite3.connect(tmp_path / "nas.db") as file:
                    file.execute(
                        "CREATE TRIGGER full BEFORE INSERT ON trial_user_attributes "
                        "BEGIN SELECT RAISE(FAIL, 'disk is full'); END"
                    )
            return super().measure(architecture, seed)

    proxy = Full(CnnSmall(), digits)
    study = open_study(f"sqlite:///{tmp_path / 'nas.db'}", "s", proxy, 1, make_sampler("random", 0, proxy.space))
    with pytest.raises(UserError, match=r"the storage 'sqlite:///.*nas.db' fails \(.*disk is full.*\); mend it"):
        search(study, proxy, 5, 1)
    assert len(settled_trials(study)) == 2
