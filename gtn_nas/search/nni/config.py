"""How an NNI experiment is run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["SERVICES", "ServiceConfig"]

SERVICES = ("local",)


class ServiceConfig(BaseModel):
    """The group ``nni`` of a search's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    port: Annotated[int, Field(ge=0, le=65535, description="of the web portal, 0: any free one")] = 8081
    host: Annotated[str, Field(description="where the portal listens, 0.0.0.0: at every interface")] = "127.0.0.1"
    concurrency: Annotated[int, Field(ge=1, description="trials at the same time")] = 1
    folder: Annotated[Path | None, Field(description="of the experiment's files; beside the storage")] = None
    patience: Annotated[
        float, Field(gt=0, description="seconds that NNI's manager has to come up, and may be silent for")
    ] = 120.0

    def place(self, storage: str | None, study: str) -> Path:
        """Return the folder of the experiment's files."""
        if self.folder is not None:
            return self.folder
        scheme, _, path = (storage or "").partition(":///")
        return Path(f"{path}.nni") if scheme == "sqlite" and path else Path(f"{study}.nni")
