"""The proxies that every correlation report compares."""

from __future__ import annotations

from gtn_nas.proxy.base import Proxy
from gtn_nas.proxy.counts import Flops, Params, Random
from gtn_nas.proxy.taught import Gtn, RealSteps, RealSubset
from gtn_nas.space import SearchSpace
from gtn_nas.task import Task
from gtn_nas.teacher.frozen import FrozenTeacher

__all__ = ["rivals"]


def rivals(space: SearchSpace, task: Task, teacher: FrozenTeacher) -> list[Proxy]:
    """Return gtn and all that it must be better than, at the teacher's own number of steps and images."""
    config = teacher.config
    size = (config.steps, config.batch_size, config.statistics_batches)
    return [
        Gtn(space, task, teacher),
        RealSteps(space, task, *size),
        RealSubset(space, task, *size),
        Params(space, task),
        Flops(space, task),
        Random(space, task),
    ]
