"""Studies of searches: what is found in as many seconds by different scores, a teacher's own training included."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from optuna.trial import FrozenTrial
from pydantic import BaseModel, ConfigDict, Field, field_validator

from gtn_nas.fingerprint import fingerprint
from gtn_nas.proxy import PROXIES, SIZED, TAUGHT, Proxy, Score, See, make_score
from gtn_nas.proxy.terms import proxies_in
from gtn_nas.search import SAMPLERS, Budget, make_sampler, open_study, search
from gtn_nas.search.evaluator import its_own_fault
from gtn_nas.search.ledger import architecture_of
from gtn_nas.space import Architecture, load_space
from gtn_nas.study.measured import Measured
from gtn_nas.study.plan import Plan
from gtn_nas.study.run import Outcome, Run
from gtn_nas.study.transfer import Teaches
from gtn_nas.study.workshop import Workshop
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.training import Recipe, train_architecture

__all__ = ["Searches"]

_NO_LIMIT = 1_000_000  # candidates


class GoesBy(BaseModel):
    """What a search goes by, as for ``search --proxy`` and ``--sampler``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: str
    sampler: str = "tpe"

    @field_validator("score")
    @classmethod
    def _is_known(cls, score: str) -> str:
        for name in proxies_in(score):
            if name not in PROXIES:
                raise ValueError(f"unknown proxy {name!r}; use some of {', '.join(PROXIES)}")
        return score

    @field_validator("sampler")
    @classmethod
    def _is_there(cls, sampler: str) -> str:
        if sampler not in SAMPLERS:
            raise ValueError(f"unknown sampler {sampler!r}; use one of {', '.join(SAMPLERS)}")
        return sampler

    @property
    def is_taught(self) -> bool:
        """Whether it takes a teacher."""
        return bool(set(TAUGHT) & set(proxies_in(self.score)))

    @property
    def is_sized(self) -> bool:
        """Whether it takes as many real images as a lesson has, or as many steps."""
        return bool(set(SIZED) & set(proxies_in(self.score)))


class _Repetition(Proxy):
    """A proxy whose seeds begin at ``first``: a repeated search has its own luck with initialisations as well."""

    def __init__(self, proxy: Proxy, first: int) -> None:
        super().__init__(proxy.space, proxy.task)
        self.proxy, self.first = proxy, first
        self.name, self.seeded, self.steps, self.readings = proxy.name, proxy.seeded, proxy.steps, proxy.readings

    @property
    def fingerprint(self) -> str:
        return fingerprint(repr((self.proxy.fingerprint, self.first)))

    def prepare(self) -> None:
        self.proxy.prepare()

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        return self.proxy.measure(architecture, self.first + seed)

    def score(self, architecture: Architecture, seed: int, see: See | None = None) -> Score:
        return self.proxy.score(architecture, self.first + seed, see)


@dataclass(frozen=True)
class _Bought:
    """A candidate, and the seconds that its search had taken when its score was known."""

    seconds: float
    trial: FrozenTrial

    @property
    def value(self) -> float:
        return float(self.trial.values[0])


@dataclass(frozen=True)
class _Spending(Budget):
    """A budget of seconds by ``clock``."""

    clock: Callable[[], float] = time.process_time

    @property
    def spent(self) -> bool:
        return self.end is not None and self.clock() >= self.end


class Searches(Plan):
    """Each of ``searches`` has ``seconds``; its winner, the best by score, is trained on real data by ``recipe``.

    Seconds are CPU seconds (on a GPU: seconds), so that other jobs on the machine cost nobody anything; a search by a
    teacher begins when the teacher, the same for all seeds, would have been trained.

    Figures: ``accuracy``, the winner's test accuracy; ``at_hand``, the same for a teacher that was there already.
    Series ``found``: test accuracy of the winner after each share of the seconds that ``stops`` names. Samples
    ``candidates``: how many a search proposed until its seconds were over, a teacher's training not counted, and
    ``teacher_seconds``, what that training took.
    """

    space: str
    seconds: Annotated[float, Field(gt=0, description="of one search, its teacher's training included")]
    searches: Annotated[dict[str, GoesBy], Field(min_length=1)]
    teacher: Teaches
    recipe: Annotated[Recipe, Field(description="real training")] = Recipe()
    stops: Annotated[tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(description="shares of the seconds")] = ()

    @property
    def spaces(self) -> Sequence[str]:
        """Return the space that is searched, and the teacher's."""
        return [self.space, self.teacher.space]

    @property
    def lessons(self) -> Sequence[TeacherConfig]:
        """Return the teacher's."""
        return [self.teacher.teacher]

    def origins(self, task: Task) -> dict[str, str]:
        """Return the kind of device as well, for it decides whose seconds are counted."""
        return {**super().origins(task), "device": task.train.images.device.type}

    def runs(self) -> list[Run]:
        """Return seed by seed, so that a part of the study compares all searches."""
        common = {
            **self.common_settings(),
            **self.model_dump(mode="json", include={"space", "seconds", "recipe", "stops"}),
        }
        taught = {"teacher": self.teacher.model_dump()}
        sized = {"lesson": self.teacher.teacher.model_dump(include={"steps", "batch_size", "statistics_batches"})}

        def more(one: GoesBy) -> dict[str, Any]:
            return taught if one.is_taught else sized if one.is_sized else {}

        settings = {name: {**common, **one.model_dump(), **more(one)} for name, one in self.searches.items()}
        return [Run(name, seed, one) for seed in range(self.seeds) for name, one in settings.items()]

    def execute(self, run: Run, workshop: Workshop) -> Outcome:
        """Search, then train the winners of all stops."""
        one, task, space = self.searches[run.variant], workshop.task, load_space(self.space)
        teachers, price, on_cuda = [], 0.0, task.train.images.is_cuda
        if one.is_taught:
            teacher = workshop.teacher(
                load_space(self.teacher.space), self.teacher.teacher, self.teacher.meta, "teacher"
            )
            teachers, price = [teacher], float(teacher.card["seconds" if on_cuda else "cpu_seconds"])
        proxy = _Repetition(make_score(one.score, space, task, teachers, self.recipe, self.teacher.teacher), run.seed)
        study = open_study(None, run.key, proxy, 1, make_sampler(one.sampler, run.seed, space))
        clock = time.perf_counter if on_cuda else time.process_time
        began, bought = clock(), list[_Bought]()

        def note(trial: FrozenTrial) -> None:
            if trial.values:
                bought.append(_Bought(clock() - began, trial))

        search(study, proxy, _NO_LIMIT, 1, note, budget=_Spending(began + self.seconds, clock))
        found: dict[str, float] = {}

        def worth(seconds: float) -> float | None:
            """Test accuracy of who was best after so many seconds of search."""
            so_far = [each for each in bought if each.seconds <= seconds]
            if not so_far:
                return None
            trial = max(so_far, key=lambda each: each.value).trial
            key = trial.user_attrs["key"]
            if key not in found:
                architecture = architecture_of(trial, space)
                with its_own_fault():
                    found[key] = train_architecture(space, task, self.recipe, architecture, run.seed).test_accuracy
            return found[key]

        points = [(share * self.seconds, worth(share * self.seconds - price)) for share in (*self.stops, 1.0)]
        figures = {"accuracy": points[-1][1], "at_hand": worth(self.seconds) if one.is_taught else None}
        return Outcome(
            {name: value for name, value in figures.items() if value is not None},
            {"found": [(seconds, value) for seconds, value in points if value is not None]},
            {"candidates": [len(bought)], **({"teacher_seconds": [price]} if one.is_taught else {})},
        )

    def words(self, measured: Measured) -> list[str]:
        """Say how many candidates each search has seen, and what the teacher cost."""
        said = []
        for name in measured.variants:
            seen = statistics.fmean(measured.sample(name, "candidates"))
            taught = ", its teacher's training not counted," if self.searches[name].is_taught else ""
            said.append(f"In {self.seconds:g} seconds{taught} the search “{name}” proposed {seen:.0f} candidates.")
        if prices := [x for name in measured.variants for x in measured.sample(name, "teacher_seconds")]:
            said.append(f"The teacher, one for all seeds, was trained in {statistics.fmean(prices):.0f} seconds.")
        return said
