"""How a network is trained on real data: a stated recipe, so that two accuracies can be compared."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from gtn_nas.fingerprint import fingerprint

__all__ = ["Recipe"]


class Recipe(BaseModel):
    """AdamW with a linear warm-up and cosine decay, cross-entropy, no augmentation.

    One recipe for every architecture of a table: a rate that is tuned per network would blur what differs
    between the networks.

    With ``patience`` the best epoch's network is kept; without, the last, as truth tables are made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epochs: Annotated[int, Field(ge=1, description="passes over the training images")] = 10
    batch_size: Annotated[int, Field(ge=1, description="images per step")] = 64
    learning_rate: Annotated[float, Field(gt=0, description="the highest, after the warm-up")] = 3e-3
    weight_decay: Annotated[float, Field(ge=0, description="AdamW's")] = 1e-2
    warmup_fraction: Annotated[float, Field(ge=0, lt=1, description="share of the steps in which the rate rises")] = 0.1
    label_smoothing: Annotated[float, Field(ge=0, lt=1, description="share of a target given to all classes")] = 0.0
    patience: Annotated[
        int,
        Field(
            ge=0,
            description="epochs without a better validation accuracy that end a training, 0: never; 3 for --verify",
        ),
    ] = 0

    @property
    def fingerprint(self) -> str:
        """Hash of all settings."""
        return fingerprint(json.dumps(self.model_dump(), sort_keys=True))

    @model_serializer(mode="wrap")
    def _without_what_is_not_used(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave ``patience`` out where there is none: recipes from before it was a setting stay the same recipes."""
        written: dict[str, Any] = write(self)
        return {name: value for name, value in written.items() if name != "patience" or value}
