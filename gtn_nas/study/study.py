"""A study as its TOML file describes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gtn_nas.study.claims import Claim
from gtn_nas.study.comparison import Published

__all__ = ["KINDS", "Scale", "ScaleName", "Study"]

ScaleName = Literal["smoke", "cpu", "full"]
KINDS = {
    "lessons": "gtn_nas.study.lessons:Lessons",
    "transfer": "gtn_nas.study.transfer:Transfer",
    "ranking": "gtn_nas.study.ranking:Ranking",
    "searches": "gtn_nas.study.searches:Searches",
    "robustness": "gtn_nas.study.robustness:Robustness",
}


class Scale(BaseModel):
    """A size of the study: what it changes about the common ``settings``, and what a reader must know of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    note: Annotated[str, Field(min_length=1)]
    comparable: Annotated[bool, Field(description="whether its figures may be held against the published ones")] = True
    settings: dict[str, Any] = {}


class Study(BaseModel):
    """What is done (``kind`` and settings), what was published about it, and what it is expected to show.

    ``differs`` says what is not as in the publication; ``given`` is what ``gtn-nas study run`` takes it by.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    name: Annotated[str, Field(min_length=1)]
    given: str
    kind: Annotated[str, Field(description="how its runs are done: one of KINDS")]
    title: Annotated[str, Field(min_length=1)]
    about: Annotated[str, Field(min_length=1)]
    differs: tuple[str, ...] = ()
    settings: dict[str, Any]
    scales: dict[ScaleName, Scale]
    claims: tuple[Claim, ...] = ()
    published: tuple[Published, ...] = ()
