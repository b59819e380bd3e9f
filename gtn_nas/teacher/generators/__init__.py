"""Generators: latents and classes in, images out; one that is sized to the task, and the published ones."""

from gtn_nas.teacher.generators.base import Generator, PixelRange
from gtn_nas.teacher.generators.goodai import GoodAiGenerator
from gtn_nas.teacher.generators.sized import SizedGenerator
from gtn_nas.teacher.generators.such import SuchGenerator

__all__ = ["GENERATORS", "Generator", "GoodAiGenerator", "PixelRange", "SizedGenerator", "SuchGenerator"]

GENERATORS: dict[str, type[Generator]] = {
    "sized": SizedGenerator,
    "such": SuchGenerator,
    "goodai": GoodAiGenerator,
}
