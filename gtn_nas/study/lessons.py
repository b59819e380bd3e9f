"""Studies of teachers by the lessons they give: variants of one teacher, each trained and looked at closely."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, median
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator

from gtn_nas.files import write_atomically
from gtn_nas.meta.config import MetaConfig
from gtn_nas.report import teacher_grid, teacher_view
from gtn_nas.report.text import percent, points
from gtn_nas.space import load_space
from gtn_nas.study.examine import Seen, accuracies_on_test, in_other_orders
from gtn_nas.study.measured import Measured
from gtn_nas.study.merging import merged
from gtn_nas.study.plan import Plan
from gtn_nas.study.run import Outcome, Run
from gtn_nas.study.workshop import Workshop
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.frozen import FrozenTeacher

__all__ = ["Lessons", "Variant", "picture_name"]

_POINTS = 120  # of a curve


class Variant(BaseModel):
    """What one variant changes about the teacher and its training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    teacher: dict[str, Any] = {}
    meta: dict[str, Any] = {}


class Lessons(Plan):
    """Every variant's teacher is trained from every seed, and teaches learners that are then examined on test images.

    Figures: ``accuracy.lesson`` and ``accuracy.test_batch`` (:class:`gtn_nas.study.examine.Seen`), means over learners,
    ``inner.N`` after so many inner steps, by the lesson's statistics, and ``shuffled.…``, medians over random orders of
    the lesson's batches. Curves: accuracy on real images against the outer step, in ``training`` and in
    ``validation``; on test images against the inner step.
    """

    space: Annotated[str, Field(description="learners, published[learner=goodai] for instance")]
    teacher: Annotated[dict[str, Any], Field(default_factory=dict, description="what all variants share")]
    meta: Annotated[dict[str, Any], Field(default_factory=dict, description="likewise")]
    variants: Annotated[dict[str, Variant], Field(min_length=1, description="a name before a slash groups them")]
    learners: Annotated[int, Field(ge=1, description="fresh learners that a teacher is examined by")] = 10
    images: Annotated[int | None, Field(ge=1, description="test images that they are examined on; all")] = None
    stops: Annotated[
        tuple[PositiveInt, ...], Field(description="inner steps after which they are examined besides")
    ] = ()
    shuffles: Annotated[int, Field(ge=0, description="random orders of the lesson, each with a fresh learner")] = 0

    @field_validator("variants")
    @classmethod
    def _fit_together(cls, variants: dict[str, Variant]) -> dict[str, Variant]:
        for name in variants:
            if name.count("/") > 1:
                raise ValueError(f"variant {name!r} has two slashes; write group/name")
        return variants

    @property
    def spaces(self) -> Sequence[str]:
        """Return the learners' space."""
        return (self.space,)

    @property
    def lessons(self) -> Sequence[TeacherConfig]:
        """Return every variant's."""
        return [self._teacher(variant) for variant in self.variants.values()]

    def runs(self) -> list[Run]:
        """Return every variant from every seed, the first seed of all of them first."""
        return [
            Run(name, seed, self._settings(variant, seed))
            for seed in range(self.seeds)
            for name, variant in self.variants.items()
        ]

    def execute(self, run: Run, workshop: Workshop) -> Outcome:
        """Train the variant's teacher and examine its learners."""
        variant, space = self.variants[run.variant], load_space(self.space)
        label = f"{run.variant}/{run.seed}"
        teacher = workshop.teacher(space, self._teacher(variant), self._meta(variant, run.seed), label)
        if run.seed == 0:
            view = teacher_view(teacher)
            picture = teacher_grid(view.images, view.labels)
            write_atomically(workshop.folder / "figures" / picture_name(run.variant), picture)
        taught = [
            accuracies_on_test(teacher, space, workshop.task, seed, self.images, self.stops)
            for seed in range(self.learners)
        ]
        shuffled = [
            accuracies_on_test(teacher, space, workshop.task, seed, self.images, lesson=lesson)[-1]
            for seed, lesson in enumerate(in_other_orders(teacher.lesson, self.shuffles, run.seed))
        ]
        samples = {**_samples("accuracy", [one[-1] for one in taught]), **_samples("shuffled", shuffled)}
        figures = {name: _middle(name)(values) for name, values in samples.items()}
        inner = _by_steps(taught)
        figures |= {f"inner.{steps}": accuracy for steps, accuracy in inner if steps in self.stops}
        return Outcome(figures, {**_training(teacher), "inner": inner}, samples)

    def words(self, measured: Measured) -> list[str]:
        """Say which variant is best, what the other protocol gives, and what another order takes away."""
        known = [name for name in measured.variants if measured.values(name, "accuracy.lesson")]
        if not known:
            return []
        by_lesson = {name: fmean(measured.values(name, "accuracy.lesson")) for name in known}
        best, worst = max(known, key=by_lesson.__getitem__), min(known, key=by_lesson.__getitem__)
        own = [fmean(measured.values(name, "accuracy.test_batch")) - by_lesson[name] for name in known]
        said = [
            f"By the lesson's statistics {best} is best with {percent(by_lesson[best])} on test images, and {worst} "
            f"worst with {percent(by_lesson[worst])}.",
            f"Where test images normalise one another, accuracy is {points(fmean(own))} higher on average (from "
            f"{points(min(own))} to {points(max(own))}).",
        ]
        orders = {name: measured.values(name, "shuffled.lesson") for name in known}
        lost = {name: by_lesson[name] - fmean(values) for name, values in orders.items() if values}
        if lost:
            most, least = max(lost, key=lost.__getitem__), min(lost, key=lost.__getitem__)
            said.append(
                f"In a random order {most} loses most, {points(lost[most])}, and {least} least, {points(lost[least])}."
            )
        return said

    def _settings(self, variant: Variant, seed: int) -> dict[str, Any]:
        looked = self.model_dump(mode="json", include={"space", "learners", "images", "stops", "shuffles"})
        parts = {"teacher": self._teacher(variant).model_dump(), "meta": self._meta(variant, seed).model_dump()}
        return {**self.common_settings(), **looked, **parts}

    def _teacher(self, variant: Variant) -> TeacherConfig:
        return TeacherConfig.model_validate(merged(self.teacher, variant.teacher))

    def _meta(self, variant: Variant, seed: int) -> MetaConfig:
        return MetaConfig.model_validate(merged(self.meta, variant.meta, {"seed": seed}))


def picture_name(variant: str) -> str:
    """Return the file name of a variant's lesson as a picture."""
    return f"lesson-{variant.replace('/', '-')}.png"


def _samples(name: str, seen: Sequence[Seen]) -> Mapping[str, list[float]]:
    if not seen:
        return {}
    return {f"{name}.lesson": [s.lesson for s in seen], f"{name}.test_batch": [s.test_batch for s in seen]}


def _middle(name: str) -> Callable[[Sequence[float]], float]:
    """Return what sums a sample up: orders scatter widely, so that their median says more than their mean."""
    return median if name.startswith("shuffled") else fmean


def _training(teacher: FrozenTeacher) -> dict[str, list[tuple[float, float]]]:
    """Return accuracies on real training images, averaged over stretches of outer steps, and on validation images."""
    curve, found = teacher.card["curve"], teacher.card["validation"]
    stretches = np.array_split(np.arange(len(curve)), min(_POINTS, len(curve)))
    mean = [(int(part[-1]) + 1, float(np.mean([curve[i]["accuracy"] for i in part]))) for part in stretches]
    return {"training": mean, "validation": [(one["outer_steps"], one["accuracy"]) for one in found]}


def _by_steps(taught: Sequence[Sequence[Seen]]) -> list[tuple[float, float]]:
    steps = sorted({seen.steps for one in taught for seen in one})
    return [(stop, float(np.mean([s.lesson for one in taught for s in one if s.steps == stop]))) for stop in steps]
