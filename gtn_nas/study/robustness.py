"""Studies of robustness: taught learners beside really trained ones on corrupted and attacked images."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from gtn_nas.report.text import percent
from gtn_nas.robustness import TRIALS, Curve, Logits, PixelRange, Trial, accuracy_curve, noise
from gtn_nas.space import load_space
from gtn_nas.study.examine import taught_learners
from gtn_nas.study.measured import Measured
from gtn_nas.study.run import Outcome, Run
from gtn_nas.study.transfer import OfPublished, published_space, train_really
from gtn_nas.study.workshop import Workshop
from gtn_nas.training import Recipe

__all__ = ["PROTOCOLS", "VANILLA", "Robustness", "axes_of"]

VANILLA = "vanilla"
PROTOCOLS = {"as_published": "as published", "put_right": "put right"}
_CLEAN = Trial("clean", noise, (0.0,), "")


class Robustness(OfPublished):
    """Learners after some steps of a lesson, and really trained ones, through every trial and by both protocols.

    Put right, every learner is examined in evaluation mode. As published, those of ``own_statistics`` are not: there
    the mean-only batch norm of a batch of 1,000 test images takes the mean of these images, corrupted as they are.

    A variant is a mode of a teacher, ``10_gtn by base_larger``, or ``vanilla``; its figures are means over learners.
    ``put_right.noise``: accuracy, the mean over the trial's strengths; ``put_right.clean``: without any. Curves of the
    same names; so is ``put_right.noise@1.6``, accuracy at one strength.
    """

    modes: Annotated[dict[str, int], Field(min_length=1, description="modes of a teacher: inner steps of each")]
    own_statistics: Annotated[tuple[str, ...], Field(description="modes left in training mode, as published")]
    trials: Annotated[tuple[str, ...], Field(min_length=1)]
    images: Annotated[int | None, Field(ge=1, description="test images; all")] = None
    recipe: Annotated[Recipe, Field(description="of vanilla learners, its rate constant")] = Recipe(
        epochs=1, batch_size=128, learning_rate=0.005, weight_decay=0
    )

    @field_validator("trials")
    @classmethod
    def _known(cls, trials: tuple[str, ...]) -> tuple[str, ...]:
        for name in trials:
            if name not in TRIALS:
                raise ValueError(f"unknown trial {name!r}; use some of {', '.join(TRIALS)}")
        return trials

    @model_validator(mode="after")
    def _fits_together(self) -> Robustness:
        for name, teaches in self.teachers.items():
            longest = max(self.modes.values())
            if not 0 < min(self.modes.values()) <= longest <= teaches.teacher.steps:
                raise ValueError(
                    f"modes must take 1 to {teaches.teacher.steps} inner steps, as many as teacher {name!r} has, but "
                    f"take {sorted(self.modes.values())}; change them"
                )
        for mode in self.own_statistics:
            if mode not in (VANILLA, *self.modes):
                raise ValueError(f"own_statistics names {mode!r}; use some of {', '.join((*self.modes, VANILLA))}")
        return self

    def runs(self) -> list[Run]:
        """Return vanilla learners first, then teacher by teacher."""
        looked = self.model_dump(mode="json", include={"learners", "trials", "images"})
        grids = {name: list(TRIALS[name].strengths) for name in self.trials}
        shared = {**self.common_settings(), **looked, "strengths": grids}
        settings: dict[str, dict[str, Any]] = {VANILLA: {**shared, "recipe": self.recipe.model_dump()}}
        for variant, (mode, name) in self._taught().items():
            settings[variant] = {**shared, "steps": self.modes[mode], **self.teachers[name].model_dump()}
        return [
            Run(variant, seed, {**one, "own_statistics": self._mode(variant) in self.own_statistics})
            for variant, one in settings.items()
            for seed in range(self.seeds)
        ]

    def execute(self, run: Run, workshop: Workshop) -> Outcome:
        """Train one learner of each name, on real images or by a teacher, and put it through the trials."""
        task, own = workshop.task, self._mode(run.variant) in self.own_statistics
        split = task.test.head(self.images or len(task.test))
        valid = PixelRange.of(task.mean, task.std, split.images)
        curves: dict[str, list[Curve]] = {}
        for evaluating, training in self._learners(run, workshop):
            for trial in (_CLEAN, *(TRIALS[name] for name in self.trials)):
                right = accuracy_curve(trial, evaluating, split, valid, run.seed)
                published = accuracy_curve(trial, training, split, valid, run.seed) if own else right
                for protocol, curve in zip(PROTOCOLS, (published, right), strict=True):
                    curves.setdefault(f"{protocol}.{trial.name}", []).append(curve)
        means = {name: _mean(some) for name, some in curves.items()}
        figures = {name: fmean(accuracy for _, accuracy in curve) for name, curve in means.items()}
        return Outcome(figures, {name: curve for name, curve in means.items() if len(curve) > 1})

    def words(self, measured: Measured) -> list[str]:
        """Say in which order the modes come by either protocol, and how often the two disagree."""
        said, changed = [], 0
        for name in self.teachers:
            for trial in self.trials:
                published, right = (self._ranked(measured, f"{protocol}.{trial}", name) for protocol in PROTOCOLS)
                if published and right:
                    other = list(published) != list(right)
                    changed += other
                    said.append(
                        f"{trial}, taught by {name}, mean over the strengths: {_in_order(published)} as published; "
                        f"{_in_order(right)} put right{', another order' if other else ''}."
                    )
        first = [f"Put right, {changed} of {len(said)} orders of the modes are not what they are as published."]
        return [*first, *said] if said else []

    def _taught(self) -> dict[str, tuple[str, str]]:
        return {f"{mode} by {name}": (mode, name) for name in self.teachers for mode in self.modes}

    def _mode(self, variant: str) -> str:
        return VANILLA if variant == VANILLA else self._taught()[variant][0]

    def _learners(self, run: Run, workshop: Workshop) -> Iterator[tuple[Logits, Logits]]:
        """Yield every learner in evaluation and in training mode."""
        if run.variant == VANILLA:
            for learner in self.learners:
                network = train_really(learner, workshop.task, self.recipe, run.seed).eval()
                yield network, copy.deepcopy(network).train()
            return
        mode, name = self._taught()[run.variant]
        teaches = self.teachers[name]
        teacher = workshop.teacher(load_space(teaches.space), teaches.teacher, teaches.meta, name)
        lesson = teacher.lesson.head(self.modes[mode])
        for learner in self.learners:
            space = load_space(published_space(learner))
            ((taught, state),) = taught_learners(teacher, space, workshop.task, run.seed, lesson=lesson)
            yield (
                partial(taught.predict, state.theta, statistics=state.statistics),
                partial(taught.predict, state.theta, statistics=None),
            )

    def _ranked(self, measured: Measured, figure: str, name: str) -> dict[str, float]:
        """Return the modes' accuracies, the best first; none where one is not measured yet."""
        variants = {VANILLA: VANILLA, **{mode: variant for variant, (mode, by) in self._taught().items() if by == name}}
        found = {mode: measured.values(variant, figure) for mode, variant in variants.items()}
        if not all(len(values) == self.seeds for values in found.values()):
            return {}
        means = {mode: fmean(values) for mode, values in found.items()}
        return dict(sorted(means.items(), key=lambda one: -one[1]))


def _in_order(ranked: Mapping[str, float]) -> str:
    return " > ".join(f"{mode} {percent(accuracy)}" for mode, accuracy in ranked.items())


def axes_of(series: str) -> tuple[str, str] | None:
    """Return the words for strength and accuracy on the axes of a curve of this kind of study; None for another's."""
    protocol, _, trial = series.partition(".")
    if protocol not in PROTOCOLS or trial not in TRIALS:
        return None
    return TRIALS[trial].axis, f"test accuracy after {trial}, {PROTOCOLS[protocol]}"


def _mean(curves: Sequence[Curve]) -> Curve:
    return [(points[0][0], fmean(accuracy for _, accuracy in points)) for points in zip(*curves, strict=True)]
