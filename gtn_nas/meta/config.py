"""How a teacher is meta-trained."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["MetaConfig"]

_OUTER_STEPS = 1000


class MetaConfig(BaseModel):
    """Outer loop settings; training ends by ``iterations`` or by the clock, whichever comes first.

    Without ``iterations`` the clock alone decides and, without ``minutes`` either, 1000 outer steps are taken.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    iterations: Annotated[
        int | None, Field(ge=1, description=f"outer steps; {_OUTER_STEPS} unless minutes are given")
    ] = None
    minutes: Annotated[float | None, Field(gt=0, description="time after which the training ends")] = None
    engine: Annotated[
        Literal["mixed", "unrolled", "higher"],
        Field(description="what computes meta-gradients; the last two are references"),
    ] = "mixed"
    memory_budget: Annotated[int, Field(ge=0, description="MiB of step graphs that engine mixed may keep")] = 1024
    learners: Annotated[int, Field(ge=1, description="learners per outer step and process")] = 1
    sampling: Annotated[
        Literal["uniform", "small", "large", "misplaced"],
        Field(
            description="learners: uniform, or one of four by odds that fall or rise with its parameters, "
            "or that rise where the truth table's order is missed"
        ),
    ] = "uniform"
    ranking: Annotated[
        float,
        Field(ge=0, le=1, description="share of the outer objective that asks for the truth table's order, 0: none"),
    ] = 0
    ranking_architectures: Annotated[
        int, Field(ge=2, description="of the truth table, those after the validation's, that are learned from")
    ] = 24
    growth: Annotated[float, Field(ge=0, le=1, description="share of the training in which T grows from a quarter")] = 0
    window: Annotated[int | None, Field(ge=1, description="inner steps that gradients flow through; all")] = None
    window_place: Annotated[
        Literal["random", "end", "every"],
        Field(description="random: the unroll ends with the window, anywhere (RaT-BPTT); every: one after the other"),
    ] = "random"
    real_batch: Annotated[int, Field(ge=1, description="real images per exam")] = 256
    exam_every: Annotated[int, Field(ge=1, description="inner steps between intermediate meta-losses")] = 4
    learning_rate: Annotated[float, Field(gt=0, description="of the generator")] = 7e-4
    latent_rate: Annotated[float, Field(gt=0, description="of the latents")] = 3e-3
    pixel_rate: Annotated[float, Field(gt=0, description="of distilled pixels, or components")] = 1e-2
    target_rate: Annotated[float, Field(gt=0, description="of learned targets, as logits")] = 1e-2
    schedule_rate: Annotated[float, Field(gt=0, description="of the inner schedule")] = 5e-3
    final_rate: Annotated[float, Field(gt=0, le=1, description="cosine decay ends at this fraction")] = 0.1
    clip: Annotated[float, Field(gt=0, description="largest norm of a learner's meta-gradient")] = 1.0
    averaging: Annotated[
        float, Field(ge=0, lt=1, description="decay of the teacher's exponential moving average, 0: none")
    ] = 0.98
    validate_every: Annotated[int, Field(ge=0, description="outer steps between validations, 0: none")] = 100
    validation_architectures: Annotated[int, Field(ge=1, description="held out, to choose the best teacher by")] = 8
    seed: Annotated[int, Field(ge=0, description="of everything random")] = 0

    @model_validator(mode="after")
    def _ranks_several(self) -> MetaConfig:
        if self.ranking and self.learners < 2:
            raise ValueError("ranking compares the learners of an outer step; set meta.learners to 2 or more")
        if self.ranking and self.sampling != "uniform":
            raise ValueError("ranking draws its learners from the truth table; leave meta.sampling as it is")
        if self.sampling == "misplaced" and not self.validate_every:
            raise ValueError("sampling = misplaced looks at the order at every validation; set meta.validate_every")
        return self

    @property
    def ranked(self) -> int:
        """How many architectures of a truth table the training itself learns from."""
        return self.ranking_architectures if self.ranking or self.sampling == "misplaced" else 0

    def rate(self, group: str) -> float:
        """Return the initial learning rate of one group of the teacher's parameters (``Teacher.groups``)."""
        rates = {
            "generator": self.learning_rate,
            "latents": self.latent_rate,
            "pixels": self.pixel_rate,
            "targets": self.target_rate,
            "schedule": self.schedule_rate,
        }
        return rates[group]

    @property
    def outer_steps(self) -> float:
        """Outer steps after which training ends, infinity where the clock alone decides."""
        if self.iterations is not None:
            return self.iterations
        return _OUTER_STEPS if self.minutes is None else math.inf
