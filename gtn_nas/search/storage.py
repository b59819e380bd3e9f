"""Where studies are kept: an SQLite file, a database server, or Optuna's gRPC proxy before one of them."""

from __future__ import annotations

import random
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, GrpcStorageProxy, RDBStorage, get_storage
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from gtn_nas.errors import UserError
from gtn_nas.extras import need_extra
from gtn_nas.search.gathering import GatheringStorage

__all__ = ["existing_storage", "is_file", "open_storage", "saying_what_failed", "serve_storage", "without_password"]

_TRIES = 5
_PATIENCE = 60  # seconds that a statement waits while another process writes to the same SQLite file, or for a server


def open_storage(url: str | None) -> BaseStorage:
    """Return the storage at ``url``, None for one in memory.

    Args:
        url: as SQLAlchemy has them, ``sqlite:///nas.db``, ``postgresql://user@host/database``, ``mysql+pymysql://…``,
            or ``grpc://host:port`` for :func:`serve_storage`.

    Raises:
        UserError: it cannot be opened, or a package is missing.
    """
    if url is None:
        return get_storage(None)
    try:
        return _proxy(url) if url.startswith("grpc://") else GatheringStorage(_database(url))
    except UserError:
        raise
    except Exception as error:  # SQLAlchemy and every database driver raise their own
        missing = error.__cause__ if isinstance(error, ImportError) else None
        if isinstance(missing, ModuleNotFoundError):
            raise UserError(
                f"storage {without_password(url)!r} needs the package {missing.name}, which is not installed; install "
                "it, or name another driver, as in mysql+pymysql://user@host/database."
            ) from error
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"cannot open storage {without_password(url)!r} ({first}); give a URL such as sqlite:///nas.db or "
            "postgresql://user@host/database."
        ) from error


def existing_storage(url: str) -> BaseStorage:
    """Return the storage at ``url`` for reading what searches left there; an SQLite file is not made.

    Raises:
        UserError: there is no such file, or as for :func:`open_storage`.
    """
    path = None
    with suppress(ArgumentError):  # which opening it explains
        path = make_url(url).database if url.startswith("sqlite:") else None
    if path is not None and not Path(path).is_file():
        raise UserError(f"no such database {path}; give the --storage of a search, which makes it.")
    return open_storage(url)


def serve_storage(url: str, host: str, port: int) -> None:
    """Give other processes and hosts access to a database, by Optuna's gRPC proxy, until interrupted.

    Raises:
        UserError: the database cannot be opened, the address is taken, or a package is missing.
    """
    if url.startswith("grpc://"):
        raise UserError(f"storage {url!r} is served already; give the database behind it.")
    need_extra("grpc", "grpc", f"storage {without_password(url)!r}")
    storage = open_storage(url)
    try:
        optuna.storages.run_grpc_proxy_server(storage, host=host, port=port)
    except RuntimeError as error:  # gRPC's word for an address that it cannot bind
        raise UserError(
            f"cannot serve on {host}:{port}, the address is taken or not ours; give another --port."
        ) from error


@contextmanager
def saying_what_failed(study: optuna.Study) -> Iterator[None]:
    """Turn a fault of the study's storage, as of a full disk or a server that went away, into a sentence.

    Raises:
        UserError: the storage fails.
    """
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        cause = error.__cause__ or error
        backend = getattr(study._storage, "_backend", None)
        where = f" {without_password(backend.url)!r}" if isinstance(backend, RDBStorage) else ""
        first = (str(cause).splitlines() or [type(cause).__name__])[0]
        raise UserError(
            f"the storage{where} fails ({first}); mend it, and run the same command again: what it holds is kept."
        ) from error


def is_file(study: optuna.Study) -> bool:
    """Whether the study lies in an SQLite file, which one machine alone may use."""
    backend = getattr(study._storage, "_backend", None)
    return isinstance(backend, RDBStorage) and backend.url.startswith("sqlite")


def without_password(url: str) -> str:
    """Return ``url`` fit to be shown."""
    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:***@", url)


class _Connection(sqlite3.Connection):
    """A connection that does not wait for the disk at each of the thirty writes that a trial takes.

    With a write-ahead log a power cut may lose the last trials, but harms nothing that was there before.
    """

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **options)
        try:
            if self.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",):
                self.execute("PRAGMA synchronous=NORMAL")
        except sqlite3.OperationalError:
            return  # another process holds the file in the mode that it is in


def _database(url: str) -> RDBStorage:
    options: dict[str, Any] = {}
    if url.startswith("sqlite:"):
        options = {"connect_args": {"timeout": _PATIENCE, "factory": _Connection}}
    elif url.startswith(("postgresql://", "postgres://")):
        need_extra("psycopg", "postgresql", f"storage {without_password(url)!r}")
        url = f"postgresql+psycopg://{url.partition('://')[2]}"
    for _ in range(_TRIES):
        try:
            return RDBStorage(url, engine_kwargs=options)
        except Exception as error:  # SQLAlchemy's own, and another for each kind of database
            if not re.search("already exists|duplicate|UNIQUE constraint failed", str(error), re.IGNORECASE):
                raise
        time.sleep(random.uniform(0.1, 1.0))  # another search is making the tables at this moment
    return RDBStorage(url, engine_kwargs=options)


def _proxy(url: str) -> BaseStorage:
    need_extra("grpc", "grpc", f"storage {without_password(url)!r}")
    match = re.fullmatch(r"grpc://([^:/]+|\[[^\]]+\]):(\d+)/?", url)
    if match is None:
        raise UserError(f"a served storage is grpc://host:port, but got {url!r}; for example grpc://127.0.0.1:13000.")
    storage = GrpcStorageProxy(host=match[1], port=int(match[2]))
    storage.wait_server_ready(timeout=_PATIENCE / 4)
    return storage
