"""What a teacher consists of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gtn_nas.teacher.protocol import Statistics

__all__ = ["TeacherConfig"]


class TeacherConfig(BaseModel):
    """Size of the lesson and of the generator, and how learners are to be trained and examined.

    ``statistics`` names whose batch-norm statistics count when a learner is examined
    (:class:`gtn_nas.teacher.protocol.Protocol`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: Annotated[int, Field(ge=1, description="inner steps T")] = 32
    batch_size: Annotated[int, Field(ge=1, description="images per inner step B")] = 64
    latent: Annotated[int, Field(ge=1, description="width of the learned latents")] = 64
    width: Annotated[int, Field(ge=1, description="channels of the generator's last hidden layer")] = 32
    inner: Annotated[str, Field(description="inner optimiser: adam, momentum, nesterov or sgd")] = "adam"
    learning_rate: Annotated[
        float | None, Field(gt=0, description="initial inner learning rate; the optimiser's own")
    ] = None
    statistics: Statistics = "synthetic"
    statistics_batches: Annotated[int, Field(ge=1)] = 4
    warm_start: Annotated[int, Field(ge=0, description="steps that fit the generator to real images first")] = 300
