"""Studies of ranking: which short lesson orders architectures as real training does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from gtn_nas.correlation.columns import column
from gtn_nas.correlation.make_truth import make_truth
from gtn_nas.correlation.score_book import ScoreBook
from gtn_nas.correlation.scoring import score_all
from gtn_nas.correlation.stats import LEAST, Estimate, Values, spearman, spearman_difference, top_spearman
from gtn_nas.correlation.truth import TruthTable
from gtn_nas.errors import UserError
from gtn_nas.fingerprint import fingerprint
from gtn_nas.proxy import Flops, Gtn, Params, Proxy
from gtn_nas.proxy.real_lesson import RealSteps
from gtn_nas.space import SearchSpace, load_space
from gtn_nas.study.claims import Claim, Interval, Place
from gtn_nas.study.measured import Measured
from gtn_nas.study.plan import Plan
from gtn_nas.study.run import Outcome, Run
from gtn_nas.study.transfer import Teaches
from gtn_nas.study.words import in_words
from gtn_nas.study.workshop import Workshop
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.training import Recipe

__all__ = ["TRUTH", "Ranking"]

TRUTH = "real training"
_COUNTS: dict[str, type[Params | Flops]] = {"params": Params, "flops": Flops}
_TOP = 0.5
_READINGS = (".loss", ".loss+flops")  # of a lesson's score, beside its accuracy


class Ranking(Plan):
    """Random ``architectures`` of ``space`` are ranked by each teacher's lesson, by a few steps of real data, by size.

    Figures of ``teacher/NAME``, ``real data/NAME`` and ``size/params``: ``spearman`` with the mean test accuracy of
    real trainings, ``spearman_top`` within the better half by the score itself (as Such et al., 2019, report it).
    A score is a mean over ``seeds`` initialisations, and an architecture's truth one over ``truth_seeds`` trainings.
    A lesson's score is its accuracy, as published; ``spearman.loss`` and ``spearman.loss+flops`` are those of its
    validation loss, and of the sum of that loss's and FLOPs' ranks. Series ``best``: the best real accuracy among the
    first k by score.
    """

    space: str
    architectures: Annotated[int, Field(ge=2 * LEAST)]
    sample_seed: int = 0
    teachers: Annotated[dict[str, Teaches], Field(min_length=1)]
    real_steps: dict[str, Annotated[int, Field(ge=1, description="of real data, by Muon")]]
    batch_size: Annotated[int, Field(ge=1, description="of real data")] = 128
    truth_seeds: Annotated[int, Field(ge=1)] = 1
    recipe: Annotated[Recipe, Field(description="real training")] = Recipe()

    @property
    def spaces(self) -> Sequence[str]:
        """Return the space that is ranked, and the teachers'."""
        return [self.space, *(one.space for one in self.teachers.values())]

    @property
    def lessons(self) -> Sequence[TeacherConfig]:
        """Return the teachers'."""
        return [one.teacher for one in self.teachers.values()]

    def runs(self) -> list[Run]:
        """Return the real trainings first: all else is held against them."""
        ranked = {
            **self.common_settings(),
            **self.model_dump(mode="json", include={"space", "architectures", "sample_seed", "truth_seeds", "recipe"}),
        }
        scored = {**ranked, "seeds": self.seeds}
        real = {"batch_size": self.batch_size}
        settings: dict[str, dict[str, Any]] = {TRUTH: ranked}
        settings |= {f"size/{name}": ranked for name in _COUNTS}
        settings |= {f"real data/{name}": {**scored, **real, "steps": n} for name, n in self.real_steps.items()}
        settings |= {f"teacher/{name}": {**scored, **one.model_dump()} for name, one in self.teachers.items()}
        return [Run(variant, 0, one) for variant, one in settings.items()]

    def execute(self, run: Run, workshop: Workshop) -> Outcome:
        """Train every architecture for real, or score every one; either goes on where it was stopped."""
        space = load_space(self.space)
        table = self._truth(space, workshop, anew=run.variant == TRUTH)
        if run.variant == TRUTH:
            untrained = self.architectures - len(table.keys)
            accuracies = {"accuracy": table.mean.tolist(), "failed": [untrained]}
            return Outcome({"accuracy": float(table.mean.mean())}, samples=accuracies)
        proxy = self._proxy(run.variant, space, workshop)
        book = ScoreBook(workshop.folder / "scores.jsonl")
        counted = isinstance(proxy, Params | Flops)
        scored = score_all([proxy] if counted else [proxy, Flops(space, workshop.task)], table, self.seeds, book=book)
        failed = scored[proxy.name].failed
        if len(failed) == len(table.keys):
            raise UserError(f"{run.variant} could score no architecture (first reason: {failed[0]}).")
        by = {name: _finite(column(proxy.name + name, scored).values) for name in ("", *(() if counted else _READINGS))}
        found = {f"spearman{name}": spearman(values, table.mean).value for name, values in by.items()}
        found |= {f"spearman_top{name}": top_spearman(x, table.mean, x, _TOP).value for name, x in by.items()}
        figures = {name: value for name, value in found.items() if value is not None}
        samples = {f"score{name}": values.tolist() for name, values in by.items()} | {"failed": [len(failed)]}
        return Outcome(figures, {"best": _best_of(by[""], table.mean)}, samples)

    def words(self, measured: Measured) -> list[str]:
        """Say how well each ranks, and how far ahead of the rest the teachers are, by each reading, with intervals."""
        truth = np.array(measured.sample(TRUTH, "accuracy"))
        sizes = {name: x for name, x in _scores(measured, "").items() if name.startswith("size/")}
        said = [
            f"{failed:.0f} architectures failed in “{name}”" + ("." if name == TRUTH else ", and count as its worst.")
            for name in measured.variants
            for failed in measured.sample(name, "failed")
            if failed
        ]
        for reading in ("", *_READINGS):
            scores, by = _scores(measured, reading), f" by {in_words(reading)}" if reading else ""
            for name, x in scores.items():
                said.append(
                    f"{name}{by} ranks {len(truth)} architectures with Spearman {_written(spearman(x, truth))}."
                )
            for name in (name for name in scores if name.startswith("teacher/")):
                said.append(f"{name}{by} less {_leads(scores[name], sizes | scores, name, truth)}.")
        return said

    def interval(self, claim: Claim, measured: Measured) -> Interval | None:
        """Return the interval over architectures: of a correlation less a number, or less another's."""
        truth, (kind, score) = np.array(measured.sample(TRUTH, "accuracy")), _ranked(claim.first, measured)
        if score is None:
            return None
        if isinstance(claim.second, float):
            found = spearman(score, truth) if kind == "spearman" else top_spearman(score, truth, score, _TOP)
            return _shifted(found, -claim.second)
        other, rival = _ranked(claim.second, measured)
        if rival is None or (kind, other) != ("spearman", "spearman"):
            return None
        found = spearman_difference(score, rival, truth)
        return _shifted(found, 0.0)

    def _truth(self, space: SearchSpace, workshop: Workshop, anew: bool) -> TruthTable:
        """Return the table; only ``anew`` are trainings tried again that failed: all scores are held against one."""
        name = fingerprint(repr((space.fingerprint, workshop.task.fingerprint, self.recipe, self.sample_seed)))
        path: Path = workshop.folder / f"truth-{name}.jsonl"
        if anew or not path.is_file():
            make_truth(
                path, space, workshop.task, self.recipe,
                architectures=self.architectures, seeds=self.truth_seeds, sample_seed=self.sample_seed,
            )  # fmt: skip
        keys = map(space.key, space.sample_many(self.architectures, self.sample_seed))
        return TruthTable.load(path, space, workshop.task, set(product(keys, range(self.truth_seeds))))

    def _proxy(self, variant: str, space: SearchSpace, workshop: Workshop) -> Proxy:
        kind, _, name = variant.partition("/")
        if kind == "size":
            return _COUNTS[name](space, workshop.task)
        if kind == "real data":
            return RealSteps(space, workshop.task, self.real_steps[name], self.batch_size)
        one = self.teachers[name]
        teacher = workshop.teacher(load_space(one.space), one.teacher, one.meta, name)
        return Gtn(space, workshop.task, teacher.for_any_space())


def _finite(scores: Values) -> Values:
    """What cannot be taught, or diverges, is as bad as the worst."""
    known = np.isfinite(scores)
    return np.where(known, scores, scores[known].min()) if known.any() else np.zeros_like(scores)


def _scores(measured: Measured, reading: str) -> dict[str, Values]:
    """Return the scores of all architectures ``[n]`` by variant, of those that have such a reading."""
    count = len(measured.sample(TRUTH, "accuracy"))
    found = {name: measured.sample(name, f"score{reading}") for name in measured.variants}
    return {name: np.array(values) for name, values in found.items() if 0 < len(values) == count}


def _ranked(place: Place, measured: Measured) -> tuple[str, Values | None]:
    """Return which correlation a figure is, ``spearman`` or ``spearman_top``, and the scores that it is of."""
    kind, dot, reading = place.figure.partition(".")
    return kind, _scores(measured, dot + reading).get(place.variant) if kind.startswith("spearman") else None


def _shifted(found: Estimate, by: float) -> Interval | None:
    return None if found.low is None or found.high is None else (found.low + by, found.high + by)


def _leads(score: Values, rivals: Mapping[str, Values], name: str, truth: Values) -> str:
    leads = {rival: spearman_difference(score, x, truth) for rival, x in rivals.items() if rival != name}
    return "; less ".join(f"{rival}: {_written(lead)}" for rival, lead in leads.items())


def _best_of(values: Values, truth: Values) -> Sequence[tuple[float, float]]:
    order = np.argsort(-values, kind="stable")
    return [(k + 1.0, float(best)) for k, best in enumerate(np.maximum.accumulate(truth[order]))]


def _written(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"undefined ({estimate.undefined})"
    interval = "" if estimate.ci95 is None else f" [{estimate.low:.2f}, {estimate.high:.2f}]"
    return f"{estimate.value:.2f}{interval}"
