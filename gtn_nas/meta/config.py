"""How a teacher is meta-trained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["MetaConfig"]


class MetaConfig(BaseModel):
    """Outer loop settings; ``minutes`` ends the training by the clock where it comes before ``iterations``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    iterations: Annotated[int, Field(ge=1)] = 1000
    minutes: Annotated[float | None, Field(gt=0)] = None
    engine: Literal["mixed", "higher"] = "mixed"
    real_batch: Annotated[int, Field(ge=1, description="real images per exam")] = 256
    exam_every: Annotated[int, Field(ge=1, description="inner steps between intermediate meta-losses")] = 4
    learning_rate: Annotated[float, Field(gt=0, description="of the generator")] = 7e-4
    latent_rate: Annotated[float, Field(gt=0, description="of the latents")] = 3e-3
    schedule_rate: Annotated[float, Field(gt=0, description="of the inner schedule")] = 5e-3
    final_rate: Annotated[float, Field(gt=0, le=1, description="cosine decay ends at this fraction")] = 0.1
    clip: Annotated[float, Field(gt=0, description="largest norm of the meta-gradient")] = 1.0
    seed: Annotated[int, Field(ge=0)] = 0
