"""Published figures beside ours, number by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from gtn_nas.study.claims import AnyPlace
from gtn_nas.study.measured import Measured

__all__ = ["Compared", "Published", "compare"]


class Published(BaseModel):
    """A figure of the publication, and which of ours it is held against."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: AnyPlace
    value: float
    source: Annotated[str, Field(min_length=1, description="where it stands, and how it was read")]


@dataclass(frozen=True)
class Compared:
    """A published figure with the values that our seeds gave; none where it was not measured."""

    published: Published
    values: Sequence[float]

    @property
    def mean(self) -> float | None:
        """Our mean over seeds."""
        return float(np.mean(self.values)) if self.values else None

    @property
    def spread(self) -> float | None:
        """Standard deviation over seeds, where there are two or more."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else None

    @property
    def difference(self) -> float | None:
        """Ours less the published."""
        return None if self.mean is None else self.mean - self.published.value


def compare(published: Sequence[Published], measured: Measured) -> list[Compared]:
    """Return every published figure with what was measured of it."""
    return [Compared(one, measured.values(one.what.variant, one.what.figure)) for one in published]
