"""How an NNI experiment is run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["SERVICES", "ServiceConfig"]

SERVICES = ("local",)


class ServiceConfig(BaseModel):
    """The group ``nni`` of a search's settings.

    ``port`` and ``host``: of the web portal; 0 for any free port, 0.0.0.0 for every interface. ``concurrency``: trials
    at the same time. ``folder``: of the experiment's files; beside the storage without it. ``patience``: seconds that
    NNI's manager has to come up, and that a silent one is borne with.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    port: Annotated[int, Field(ge=0, le=65535)] = 8081
    host: str = "127.0.0.1"
    concurrency: Annotated[int, Field(ge=1)] = 1
    folder: Path | None = None
    patience: Annotated[float, Field(gt=0)] = 120.0

    def place(self, storage: str | None, study: str) -> Path:
        """Return the folder of the experiment's files."""
        if self.folder is not None:
            return self.folder
        scheme, _, path = (storage or "").partition(":///")
        return Path(f"{path}.nni") if scheme == "sqlite" and path else Path(f"{study}.nni")
