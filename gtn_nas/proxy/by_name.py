"""Every proxy by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gtn_nas.errors import UserError
from gtn_nas.proxy.base import Proxy
from gtn_nas.proxy.counts import Flops, Params, Random
from gtn_nas.proxy.gtn import Gtn, GtnArea, GtnEnsemble
from gtn_nas.proxy.rank_sum import RankSum
from gtn_nas.proxy.reading import Reading
from gtn_nas.proxy.real_lesson import RealSteps, RealSubset
from gtn_nas.proxy.real_training import EarlyStop, FullTraining, RealSeconds
from gtn_nas.proxy.terms import proxies_in, terms_of
from gtn_nas.proxy.zero_cost import ZERO_COST
from gtn_nas.space import SearchSpace
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.frozen import FrozenTeacher
from gtn_nas.training import Recipe

__all__ = ["PROXIES", "SIZED", "TAUGHT", "make_proxies", "make_score"]

TAUGHT = ("gtn", "gtn_area", "gtn_ensemble", "real_seconds")  # those that cannot do without a teacher
SIZED = ("real_steps", "real_subset")  # those that take as many real images as a lesson has


@dataclass(frozen=True)
class _Materials:
    """What proxies are made of."""

    space: SearchSpace
    task: Task
    teachers: Sequence[FrozenTeacher]
    recipe: Recipe
    like: TeacherConfig

    @property
    def teacher(self) -> FrozenTeacher:
        if not self.teachers:
            raise UserError("gtn scores need a teacher; give one with --teacher.")
        return self.teachers[0]

    @property
    def size(self) -> tuple[int, int, int]:
        """Steps, batch size and statistics batches: the teacher's own; ``like``'s without a teacher."""
        config = self.teachers[0].config if self.teachers else self.like
        return config.steps, config.batch_size, config.statistics_batches


def _zero_cost(name: str) -> Callable[[_Materials], Proxy]:
    return lambda m: ZERO_COST[name](m.space, m.task)


PROXIES: dict[str, Callable[[_Materials], Proxy]] = {
    "gtn": lambda m: Gtn(m.space, m.task, m.teacher),
    "gtn_area": lambda m: GtnArea(m.space, m.task, m.teacher),
    "gtn_ensemble": lambda m: GtnEnsemble(m.space, m.task, m.teachers),
    "real_steps": lambda m: RealSteps(m.space, m.task, *m.size),
    "real_subset": lambda m: RealSubset(m.space, m.task, *m.size),
    "real_seconds": lambda m: RealSeconds(m.space, m.task, m.recipe, Gtn(m.space, m.task, m.teacher)),
    "early_stop": lambda m: EarlyStop(m.space, m.task, m.recipe),
    "full_training": lambda m: FullTraining(m.space, m.task, m.recipe),
    **{name: _zero_cost(name) for name in ZERO_COST},
    "params": lambda m: Params(m.space, m.task),
    "flops": lambda m: Flops(m.space, m.task),
    "random": lambda m: Random(m.space, m.task),
}


def make_proxies(
    names: Iterable[str],
    space: SearchSpace,
    task: Task,
    teachers: Sequence[FrozenTeacher] = (),
    recipe: Recipe | None = None,
    like: TeacherConfig | None = None,
) -> dict[str, Proxy]:
    """Return the named proxies.

    Args:
        names: keys of ``PROXIES``.
        space, task: what they score.
        teachers: for those that need one, the first; all of them for ``gtn_ensemble``.
        recipe: of the real training that ``real_seconds`` and ``early_stop`` cut short, and ``full_training`` does not.
        like: what ``real_steps`` and ``real_subset`` take their sizes from where there is no teacher.

    Raises:
        UserError: an unknown name, a teacher that is needed and not given, or one that does not fit.
    """
    materials = _Materials(space, task, teachers, recipe or Recipe(), like or TeacherConfig())
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in PROXIES:
            raise UserError(f"unknown proxy {name!r}; the proxies are {', '.join(PROXIES)}.")
    return {name: PROXIES[name](materials) for name in wanted}


def make_score(
    name: str,
    space: SearchSpace,
    task: Task,
    teachers: Sequence[FrozenTeacher] = (),
    recipe: Recipe | None = None,
    like: TeacherConfig | None = None,
) -> Proxy:
    """Return what a search scores by: a proxy, one of its readings, or a sum of ranks of several, ``gtn+flops``.

    Arguments are those of :func:`make_proxies`.

    Raises:
        UserError: as :func:`make_proxies` does.
    """
    proxies = make_proxies(proxies_in(name), space, task, teachers, recipe, like)
    (proxy, reading), *more = terms_of(name)
    if more:
        return RankSum(name, proxies)
    return proxies[proxy] if reading is None else Reading(proxies[proxy], reading)
