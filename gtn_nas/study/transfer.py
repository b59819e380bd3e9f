"""Studies of transfer: every teacher teaches every learner, whichever it was trained on."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator
from torch import nn

from gtn_nas.meta.config import MetaConfig
from gtn_nas.seeding import seeded
from gtn_nas.space import load_space
from gtn_nas.study.examine import accuracies_on_test
from gtn_nas.study.measured import Measured
from gtn_nas.study.plan import Plan
from gtn_nas.study.run import Outcome, Run
from gtn_nas.study.workshop import Workshop
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.training import Recipe, accuracy, fit, steps_per_epoch

__all__ = ["REAL", "OfPublished", "Teaches", "Transfer", "published_space", "train_really"]

REAL = "real data"


class Teaches(BaseModel):
    """A teacher: the space whose learners it is trained on, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    space: str
    teacher: TeacherConfig = TeacherConfig()
    meta: MetaConfig = MetaConfig()


class OfPublished(Plan):
    """What studies of ``teachers`` and published ``learners`` share."""

    teachers: Annotated[dict[str, Teaches], Field(min_length=1)]
    learners: Annotated[tuple[str, ...], Field(min_length=1, description="published learners, by name")]

    @property
    def spaces(self) -> Sequence[str]:
        """Return those of the teachers and of the learners."""
        return [*(one.space for one in self.teachers.values()), *map(published_space, self.learners)]

    @property
    def lessons(self) -> Sequence[TeacherConfig]:
        """Return the teachers'."""
        return [one.teacher for one in self.teachers.values()]


class Transfer(OfPublished):
    """Each teacher (one, from its own seed) teaches each of the published ``learners`` from every seed.

    Figures of ``TEACHER/LEARNER``: ``after.N``, test accuracy after N inner steps; of ``real data/LEARNER``: ``real``,
    after Adam's epochs on real images. Derived of ``TEACHER``: ``accepted``, the number of learners whose means are
    above ``threshold`` in every one of these modes (Willisk's fork of Such et al.'s code).
    """

    steps: Annotated[tuple[PositiveInt, ...], Field(min_length=1, description="inner steps, modes of the rule")]
    stops: Annotated[tuple[PositiveInt, ...], Field(description="inner steps they are examined after besides")] = ()
    images: Annotated[int | None, Field(ge=1, description="test images; all")] = None
    threshold: Annotated[float, Field(gt=0, lt=1, description="of the acceptance rule")] = 0.7
    recipe: Annotated[Recipe, Field(description="real training, its rate constant")] = Recipe(
        epochs=1, batch_size=128, learning_rate=0.005, weight_decay=0
    )

    @model_validator(mode="after")
    def _long_enough(self) -> Transfer:
        for name, teaches in self.teachers.items():
            if teaches.teacher.steps < max(self.steps):
                raise ValueError(
                    f"learners are examined after {max(self.steps)} inner steps, but teacher {name!r} has "
                    f"{teaches.teacher.steps}; lower steps, or raise the teacher's"
                )
        return self

    @property
    def summaries(self) -> frozenset[str]:
        """Return the teachers' names."""
        return frozenset(self.teachers)

    def runs(self) -> list[Run]:
        """Return real training first, then teacher by teacher."""
        looked = {**self.common_settings(), **self.model_dump(mode="json", include={"images"})}
        taught = {**looked, "steps": list(self.steps), "stops": list(self.stops)}
        settings: dict[str, dict[str, Any]] = {REAL: {**looked, "recipe": self.recipe.model_dump()}}
        settings |= {name: {**taught, **teaches.model_dump()} for name, teaches in self.teachers.items()}
        return [
            Run(f"{name}/{learner}", seed, one)
            for name, one in settings.items()
            for learner in self.learners
            for seed in range(self.seeds)
        ]

    def execute(self, run: Run, workshop: Workshop) -> Outcome:
        """Train one learner, on real images or by a teacher, and examine it on test images."""
        name, _, learner = run.variant.partition("/")
        if name == REAL:
            network, task = train_really(learner, workshop.task, self.recipe, run.seed), workshop.task
            return Outcome({"real": accuracy(network, task.test.head(self.images or len(task.test)))})
        teaches = self.teachers[name]
        teacher = workshop.teacher(load_space(teaches.space), teaches.teacher, teaches.meta, name)
        space, stops = load_space(published_space(learner)), sorted({*self.steps, *self.stops})
        seen = accuracies_on_test(teacher, space, workshop.task, run.seed, self.images, stops)
        reached = {one.steps: one.lesson for one in seen}
        return Outcome({f"after.{steps}": reached[steps] for steps in self.steps}, {"inner": sorted(reached.items())})

    def derived(self, measured: Measured) -> Mapping[tuple[str, str], Sequence[float]]:
        """Return how many learners each teacher's lesson serves; nothing for a teacher that is not through."""
        found: dict[tuple[str, str], Sequence[float]] = {}
        for name in self.teachers:
            accepted = [self._accepts(measured, name, learner) for learner in self.learners]
            known = [one for one in accepted if one is not None]
            if len(known) == len(self.learners):
                found[name, "accepted"] = [float(sum(known))]
        return found

    def words(self, measured: Measured) -> list[str]:
        """Say whom each teacher serves."""
        said = []
        for name in self.teachers:
            accepted = {learner: self._accepts(measured, name, learner) for learner in self.learners}
            if None in accepted.values():
                said.append(f"The teacher {name} has not taught every learner yet.")
                continue
            passed = [learner for learner, passes in accepted.items() if passes]
            failed = [learner for learner, passes in accepted.items() if not passes]
            text = f"The teacher {name} serves {len(passed)} of {len(accepted)} learners"
            text += f": {', '.join(passed)}" if passed else ""
            said.append(f"{text}{'; not ' + ', '.join(failed) if failed else ''}.")
        return said

    def _accepts(self, measured: Measured, name: str, learner: str) -> bool | None:
        modes = [measured.values(f"{name}/{learner}", f"after.{steps}") for steps in self.steps]
        modes.append(measured.values(f"{REAL}/{learner}", "real"))
        if any(len(values) < self.seeds for values in modes):
            return None
        return min(statistics.fmean(values) for values in modes) > self.threshold


def published_space(learner: str) -> str:
    """Return the name of the space that holds this published learner alone."""
    return f"published[learner={learner}]"


def train_really(learner: str, task: Task, recipe: Recipe, seed: int) -> nn.Module:
    """Return a published learner after the recipe's epochs on real images, its rate constant."""
    total = recipe.epochs * steps_per_epoch(task, recipe)
    space = load_space(published_space(learner))
    with seeded(seed):
        network = space.build({"learner": learner}, task)
        fit(network, task, recipe, seed, lambda step: 1.0 if step < total else None)
    return network
