"""Proxies that a teacher makes: its synthetic lesson in place of real training."""

from __future__ import annotations

import copy
import statistics
from collections.abc import Sequence

from gtn_nas.errors import UserError
from gtn_nas.fingerprint import fingerprint
from gtn_nas.meta.inner import inner_optimiser
from gtn_nas.meta.teach import GRADED, Watch
from gtn_nas.proxy.base import Proxy, See
from gtn_nas.proxy.lesson_proxy import LessonProxy
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.task import Task
from gtn_nas.teacher.frozen import FrozenTeacher
from gtn_nas.teacher.lesson import Lesson

__all__ = ["Gtn", "GtnArea", "GtnEnsemble"]


class Gtn(LessonProxy):
    """Teach the candidate with a frozen teacher's synthetic lesson (Such et al., 2019, section 4)."""

    name = "gtn"

    def __init__(self, space: SearchSpace, task: Task, teacher: FrozenTeacher) -> None:
        super().__init__(space, task)
        teacher.check_task(task)
        teacher.check_space(space)
        self.teacher = teacher
        self.rule = inner_optimiser(teacher.config.inner)
        device = task.train.images.device
        self._lesson = teacher.lesson.to(device)
        self.steps = self._lesson.steps
        self.protocol = teacher.protocol(task)

    @property
    def fingerprint(self) -> str:
        """The teacher's and the task's."""
        return fingerprint(repr((self.name, self.teacher.fingerprint, self.task.fingerprint)))

    def lesson(self, seed: int) -> Lesson:
        """Return the frozen lesson; ``seed`` decides the network's initialisation alone."""
        return self._lesson


class GtnArea(Gtn):
    """Mean accuracy after a quarter, half, three quarters and all of the lesson: the area below the learning curve.

    The same training as :class:`Gtn`'s with three more exams.
    """

    name = "gtn_area"
    readings = ()

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        """Build the network from ``seed``, teach it, examine it four times."""
        return self.watched(architecture, seed, See(lambda *_: None))

    def watched(self, architecture: Architecture, seed: int, see: See) -> tuple[float, dict[str, float]]:
        """Measure, and show the exams on the way."""
        curve: list[float] = []

        def note(step: int, accuracy: float) -> None:
            curve.append(accuracy)
            see.show(step, accuracy)

        watch = Watch((0.25, 0.5, 0.75), GRADED, note)
        score, readings = self._measure(architecture, seed, watch)
        see.show(self.steps, score)
        kept = {name: readings[name] for name in ("fgsm_accuracy",) if name in readings}
        missed = len(watch.stops(self.steps)) - len(curve)  # it diverged: what it then was is what it stays
        return statistics.fmean([*curve, *[score] * (missed + 1)]), kept


class GtnEnsemble(Proxy):
    """Mean score of several teachers, whose faults differ.

    Raises:
        UserError: no teacher, or one that does not fit space or task.
    """

    name = "gtn_ensemble"
    readings = LessonProxy.readings

    def __init__(self, space: SearchSpace, task: Task, teachers: Sequence[FrozenTeacher]) -> None:
        super().__init__(space, task)
        if not teachers:
            raise UserError("gtn_ensemble needs at least one teacher; give --teacher for each.")
        self.members: list[LessonProxy] = [Gtn(space, task, teacher) for teacher in teachers]

    def attacked(self) -> GtnEnsemble:
        """Return the ensemble with the mean of its members' ``fgsm_accuracy`` for one more reading."""
        made = copy.copy(self)
        made.members = [member.attacked() for member in self.members]
        return made

    @property
    def fingerprint(self) -> str:
        """Hash of the members' fingerprints."""
        return fingerprint(repr((self.name, sorted(member.fingerprint for member in self.members))))

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        """Average the members' scores, and each of their readings."""
        found = [member.measure(architecture, seed) for member in self.members]
        readings = {name: statistics.fmean(one[1][name] for one in found) for name in found[0][1]}
        return statistics.fmean(value for value, _ in found), readings
