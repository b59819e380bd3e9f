"""What a teacher consists of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gtn_nas.teacher.curriculum import Curriculum
from gtn_nas.teacher.protocol import Statistics

__all__ = ["TeacherConfig"]


class TeacherConfig(BaseModel):
    """Size of the lesson, where its images and targets come from, and how learners are to be trained and examined.

    ``statistics`` names whose batch-norm statistics count when a learner is examined
    (:class:`gtn_nas.teacher.protocol.Protocol`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: Annotated[int, Field(ge=1, description="inner steps T")] = 32
    batch_size: Annotated[int, Field(ge=1, description="images per inner step B")] = 64
    kind: Annotated[
        Literal["generator", "distilled_pixels", "distilled_components", "real"],
        Field(description="where the lesson's images come from"),
    ] = "generator"
    curriculum: Annotated[Curriculum, Field(description="which samples a lesson shows, in what order")] = "learned"
    targets: Annotated[
        Literal["fixed", "learned", "soft"], Field(description="classes, learned probabilities, or a network's opinion")
    ] = "fixed"
    generator: Annotated[Literal["sized", "such", "goodai"], Field(description="sized to the task, or published")] = (
        "sized"
    )
    latent: Annotated[int, Field(ge=1, description="width of the latents")] = 64
    width: Annotated[int, Field(ge=1, description="channels of the sized generator's last hidden layer")] = 32
    inner: Annotated[
        str, Field(description="inner optimiser: muon, muon_by_layer, adam, momentum, nesterov or sgd")
    ] = "muon"
    learning_rate: Annotated[
        float | None, Field(gt=0, description="initial inner learning rate; the optimiser's own")
    ] = None
    learning_rate_decay: Annotated[
        float | None, Field(gt=0, le=1, description="share of it that is left at the last step; the optimiser's own")
    ] = None
    statistics: Annotated[
        Statistics, Field(description="whose batch-norm statistics count when a learner is examined")
    ] = "synthetic"
    statistics_batches: Annotated[int, Field(ge=1, description="the lesson's last batches that these are taken of")] = 4
    warm_start: Annotated[int, Field(ge=0, description="steps that fit the generator to real images first")] = 300

    @model_validator(mode="after")
    def _goes_together(self) -> TeacherConfig:
        if self.kind == "real" and self.curriculum != "learned":
            raise ValueError("kind = real draws its images anew for every lesson; leave curriculum as it is")
        if self.kind.startswith("distilled") and self.curriculum in ("random", "random_fixed"):
            raise ValueError(
                f"curriculum = {self.curriculum} draws latents, which kind = {self.kind} has none of; "
                "use learned, batch_shuffled or all_shuffled"
            )
        if self.targets == "learned" and (self.kind == "real" or self.curriculum == "random"):
            what = "kind = real" if self.kind == "real" else "curriculum = random"
            raise ValueError(f"{what} shows other images in every lesson, so targets cannot be learned; use fixed")
        return self
