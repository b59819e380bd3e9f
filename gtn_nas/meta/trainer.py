"""The outer loop: every step teaches fresh learners and moves the teacher along their mean meta-gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim.swa_utils import AveragedModel

from gtn_nas.errors import UserError
from gtn_nas.memory import Tidier
from gtn_nas.meta.config import MetaConfig
from gtn_nas.meta.draw import Pupil, draw_pupil, odds_by_size
from gtn_nas.meta.engines import ENGINES
from gtn_nas.meta.exam import MetaGradient
from gtn_nas.meta.flow import flow_back
from gtn_nas.meta.held_out import HeldOut
from gtn_nas.meta.inner import inner_optimiser
from gtn_nas.meta.misplaced import Look, Odds, odds_by_place
from gtn_nas.meta.mixed import mixed
from gtn_nas.meta.moment import Moment
from gtn_nas.meta.ranking import shares
from gtn_nas.meta.validation import Validation
from gtn_nas.processes import ALONE, World
from gtn_nas.seeding import seeded
from gtn_nas.space import Architecture, SearchSpace
from gtn_nas.task import Task
from gtn_nas.teacher.lesson import Lesson
from gtn_nas.teacher.teacher import Teacher

__all__ = ["MetaTrainer", "OuterStep"]

_LESSON = 2**31  # in a seed, in place of a learner's number: for what the lesson draws
_RANKED = 2**31 + 1  # likewise, for the architectures of a step that trains to rank
_EXAM = 2**31 + 2  # likewise, for the exam that its learners share
_RECENT = 40  # learners among which divergence is counted
_HOPELESS = 0.9  # share of them that may diverge before training gives up


@dataclass(frozen=True)
class OuterStep:
    """What one outer step showed: mean meta-loss, mean last accuracy on real images, how many learners diverged."""

    number: int
    loss: float
    accuracy: float
    diverged: int
    seconds: float


class MetaTrainer:
    """Meta-trains ``teacher`` on learners drawn from ``space``, those that are held out excepted.

    Everything random about learner i of outer step n follows from the seed, n and i, so that a run that is resumed
    from its last checkpoint takes the same steps as one that was never stopped, and several processes with a
    share of the learners each take the steps of one (with a time budget the learning rates follow the clock,
    and two runs are alike but not equal).
    """

    def __init__(
        self,
        teacher: Teacher,
        space: SearchSpace,
        task: Task,
        config: MetaConfig,
        held_out: HeldOut,
        world: World = ALONE,
        began: Moment | None = None,
    ) -> None:
        self.teacher, self.space, self.task, self.config, self.world = teacher, space, task, config, world
        self.held_out = held_out
        self.rule = inner_optimiser(teacher.config.inner)
        groups = teacher.groups()
        self._parameters = [p for parameters in groups.values() for p in parameters]
        self.optimiser = torch.optim.Adam(
            [{"params": parameters, "lr": config.rate(name)} for name, parameters in groups.items()]
        )
        self._rates = [config.rate(name) for name in groups]
        self.average = AveragedModel(teacher, multi_avg_fn=_moving_average(config.averaging))
        self.curve: list[OuterStep] = []
        self.validations: list[Validation] = []
        self.best: Lesson | None = None  # the lesson of the best validation
        self.look: Look | None = None  # the latest at the order of a truth table, where it steers sampling
        self._odds = _odds_by_size(space, task, config)
        self.between_steps = True  # teacher, curve and clock agree; an interruption may find them otherwise
        self.taken = Moment()  # the leader's seconds of all runs so far, what happens between two steps included
        self._last = began or Moment.now()  # what came before counts as well
        self._tidier = Tidier()

    @property
    def progress(self) -> float:
        """Fraction of the training that is done, by iterations or by the clock, whichever is further."""
        by_count = len(self.curve) / self.config.outer_steps
        by_clock = self.taken.wall / (60 * self.config.minutes) if self.config.minutes else 0.0
        return min(1.0, max(by_count, by_clock))

    @property
    def spent(self) -> Moment:
        """The leader's seconds of all runs until this moment."""
        return self.taken.and_then(Moment.now().since(self._last))

    @property
    def finished(self) -> bool:
        """Whether the iterations or the minutes are used up."""
        return self.progress >= 1.0

    def step(self) -> OuterStep:
        """Take one outer step and append it to the curve.

        Raises:
            UserError: nearly all of the latest learners diverged, or another process has ended.
        """
        number, count = len(self.curve), self.config.learners
        lesson = self.teacher(_seed_of(self.config.seed, number, _LESSON))
        self.optimiser.zero_grad()
        found = self._teach_group(number, lesson)
        now = Moment.now()
        passed, self._last = now.since(self._last), now
        facts = torch.tensor(_means(found), dtype=torch.float64)
        clock = torch.tensor(passed, dtype=torch.float64)
        device = lesson.images.device
        facts, clock = facts.to(device), clock.to(device)
        self.world.average([facts])
        self.world.follow_leader([clock])
        self.world.average(p.grad for p in self._parameters if p.grad is not None)
        loss, accuracy, share = facts.tolist()
        step = OuterStep(number, loss, accuracy, round(share * count * self.world.size), float(clock[0]))
        self.between_steps = False
        self._update()
        self.taken = self.taken.and_then(Moment(*clock.tolist()))
        self.curve.append(step)
        self.between_steps = True
        self._tidier.tidy()
        self._give_up_if_hopeless()
        return step

    @torch.no_grad()
    def lesson(self) -> Lesson:
        """Return the averaged teacher's lesson as it stands."""
        averaged: Lesson = self.average.module(self.config.seed)
        return averaged.detach()

    def add_validation(self, found: Validation, lesson: Lesson) -> None:
        """Note how ``lesson`` did, and keep it if none before did better."""
        if all(found.figure > earlier.figure for earlier in self.validations):
            self.best = lesson
        self.validations.append(found)

    def follow(self, look: Look) -> None:
        """From now on favour learners of the kind that ``look`` found too low."""
        known = [architecture for architecture, _ in self.held_out.ranked]
        self.look, self._odds = look, odds_by_place(self.space, known, look.misplaced)

    def _teach_group(self, number: int, lesson: Lesson) -> list[MetaGradient]:
        """Teach this process's learners of an outer step, and add what they say to the teacher's gradient."""
        ranked = self._draw_ranked(number) if self.config.ranking else []
        images = torch.zeros_like(lesson.images)
        found, waiting = [], []
        for index in range(self.config.learners * self.world.size)[self._mine]:
            rng = np.random.default_rng((self.config.seed, number, index))
            pupil = draw_pupil(
                rng,
                self.space,
                self.task,
                self.teacher.config,
                self.config,
                held_out=self.held_out.keys,
                progress=self.progress,
                odds=self._odds,
                given=ranked[index][0] if ranked else None,
                exam_seed=_seed_of(self.config.seed, number, _EXAM) if ranked else None,
            )
            with seeded(pupil.seed):
                found.append(self._teach(pupil, lesson, images.zero_()))
            gradient = flow_back(lesson, found[-1], self._parameters, self.config.clip)
            if ranked:
                waiting.append(gradient)  # what it counts for depends on the others' losses
            else:
                _add(self._parameters, gradient, 1 / self.config.learners)
        if ranked:
            slopes = self._slopes([one.loss for one in found], [accuracy for _, accuracy in ranked])
            for gradient, slope in zip(waiting, slopes, strict=True):
                _add(self._parameters, gradient, slope)
        return found

    def _slopes(self, losses: Sequence[float], accuracies: Sequence[float]) -> list[float]:
        """Return what each of this process's learners counts for in the order of all processes' learners."""
        everyone = torch.zeros(len(accuracies), dtype=torch.float64, device=self.task.train.images.device)
        everyone[self._mine] = self.world.size * everyone.new_tensor(losses)  # the others add zeros, and divide
        self.world.average([everyone])
        slopes = shares(everyone.tolist(), accuracies, self.config.ranking)
        return [self.world.size * slope for slope in slopes[self._mine]]

    @property
    def _mine(self) -> slice:
        """This process's part of an outer step's learners."""
        count = self.config.learners
        return slice(self.world.rank * count, (self.world.rank + 1) * count)

    def _draw_ranked(self, number: int) -> list[tuple[Architecture, float]]:
        """Draw the architectures of an outer step that trains to rank, all different if there are enough."""
        known, wanted = self.held_out.ranked, self.config.learners * self.world.size
        rng = np.random.default_rng((self.config.seed, number, _RANKED))
        order = np.concatenate([rng.permutation(len(known)) for _ in range(math.ceil(wanted / len(known)))])
        return [known[index] for index in order[:wanted]]

    def _teach(self, pupil: Pupil, lesson: Lesson, images: Tensor) -> MetaGradient:
        """Teach one learner; the gradient for images is added to ``images``."""
        learner, part = pupil.learner, lesson.detach().head(pupil.steps)
        arguments = (learner, learner.initial, part, self.rule, pupil.exam, pupil.start, images[: pupil.steps])
        if self.config.engine == "mixed":
            found = mixed(*arguments, memory_budget=self.config.memory_budget << 20)
        else:
            found = ENGINES[self.config.engine](*arguments)
        return replace(found, images=images).padded(lesson.steps)

    def _update(self) -> None:
        factor = self.config.final_rate + (1 - self.config.final_rate) * 0.5 * (1 + math.cos(math.pi * self.progress))
        for group, rate in zip(self.optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        self.optimiser.step()
        self.average.update_parameters(self.teacher)

    def _give_up_if_hopeless(self) -> None:
        each = self.config.learners * self.world.size
        recent = self.curve[-math.ceil(_RECENT / each) :]
        count = each * len(recent)
        share = sum(step.diverged for step in recent) / count
        if count >= _RECENT and share >= _HOPELESS:
            raise UserError(
                f"{share:.0%} of the latest {count} learners diverged; lower the inner learning rate "
                "(--set teacher.learning_rate=…) or the number of inner steps (--set teacher.steps=…), and start anew."
            )


def _odds_by_size(space: SearchSpace, task: Task, config: MetaConfig) -> Odds | None:
    powers = {"small": -1.0, "large": 1.0}
    return odds_by_size(space, task, power=powers[config.sampling]) if config.sampling in powers else None


def _seed_of(*numbers: int) -> int:
    return int(np.random.default_rng(numbers).integers(2**31))


def _moving_average(decay: float) -> Callable[[Any, Any, Any], None]:
    """Return the averaging of parameter lists; early on it is shorter, or the beginning would weigh for long."""

    @torch.no_grad()
    def update(averaged: list[Tensor], latest: list[Tensor], count: Tensor | int) -> None:
        number = int(count)
        torch._foreach_lerp_(averaged, latest, 1 - min(decay, (1 + number) / (10 + number)))

    return update


def _add(parameters: Sequence[Parameter], gradient: Sequence[Tensor], factor: float) -> None:
    for parameter, part in zip(parameters, gradient, strict=True):
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        parameter.grad.add_(part, alpha=factor)


def _means(found: Sequence[MetaGradient]) -> tuple[float, float, float]:
    """Return mean loss of the learners that have one, mean accuracy, and the share that diverged."""
    losses = [one.loss for one in found if math.isfinite(one.loss)]
    loss = sum(losses) / len(losses) if losses else math.nan
    diverged = sum(one.diverged_at is not None for one in found)
    return loss, sum(one.accuracy for one in found) / len(found), diverged / len(found)
