"""How a teacher is meta-trained."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["MetaConfig"]

_OUTER_STEPS = 1000


class MetaConfig(BaseModel):
    """Outer loop settings; training ends by ``iterations`` or by the clock, whichever comes first.

    Without ``iterations`` the clock alone decides and, without ``minutes`` either, 1000 outer steps are taken.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    iterations: Annotated[int | None, Field(ge=1)] = None
    minutes: Annotated[float | None, Field(gt=0)] = None
    engine: Literal["mixed", "unrolled", "higher"] = "mixed"
    memory_budget: Annotated[int, Field(ge=0, description="MiB of step graphs that engine mixed may keep")] = 1024
    learners: Annotated[int, Field(ge=1, description="learners per outer step and process")] = 1
    window: Annotated[int | None, Field(ge=1, description="inner steps that gradients flow through; all")] = None
    window_place: Annotated[
        Literal["random", "end"], Field(description="random: the unroll ends with the window, anywhere (RaT-BPTT)")
    ] = "random"
    real_batch: Annotated[int, Field(ge=1, description="real images per exam")] = 256
    exam_every: Annotated[int, Field(ge=1, description="inner steps between intermediate meta-losses")] = 4
    learning_rate: Annotated[float, Field(gt=0, description="of the generator")] = 7e-4
    latent_rate: Annotated[float, Field(gt=0, description="of the latents")] = 3e-3
    schedule_rate: Annotated[float, Field(gt=0, description="of the inner schedule")] = 5e-3
    final_rate: Annotated[float, Field(gt=0, le=1, description="cosine decay ends at this fraction")] = 0.1
    clip: Annotated[float, Field(gt=0, description="largest norm of the meta-gradient")] = 1.0
    seed: Annotated[int, Field(ge=0)] = 0

    @property
    def outer_steps(self) -> float:
        """Outer steps after which training ends, infinity where the clock alone decides."""
        if self.iterations is not None:
            return self.iterations
        return _OUTER_STEPS if self.minutes is None else math.inf
