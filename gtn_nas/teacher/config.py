"""What a teacher consists of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["TeacherConfig"]


class TeacherConfig(BaseModel):
    """Size of the lesson and of the generator, and how learners are to be trained and examined.

    ``statistics`` names whose batch-norm statistics count when a learner is examined: ``synthetic``, the
    latest ``statistics_batches`` batches of the lesson itself, or ``real``, unlabelled training images.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: Annotated[int, Field(ge=1, description="inner steps T")] = 32
    batch_size: Annotated[int, Field(ge=1, description="images per inner step B")] = 64
    latent: Annotated[int, Field(ge=1, description="width of the learned latents")] = 64
    width: Annotated[int, Field(ge=1, description="channels of the generator's last hidden layer")] = 32
    inner: Annotated[str, Field(description="inner optimiser: adam or momentum")] = "adam"
    learning_rate: Annotated[float, Field(gt=0, description="initial inner learning rate")] = 0.002
    statistics: Literal["synthetic", "real"] = "synthetic"
    statistics_batches: Annotated[int, Field(ge=1)] = 4
    warm_start: Annotated[int, Field(ge=0, description="steps that fit the generator to real images first")] = 300
