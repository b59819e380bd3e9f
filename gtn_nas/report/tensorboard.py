"""Meta-training as TensorBoard scalars and pictures."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from matplotlib.image import imread

from gtn_nas.errors import UserError
from gtn_nas.extras import how_to_install
from gtn_nas.meta.train import freeze
from gtn_nas.meta.trainer import MetaTrainer, OuterStep
from gtn_nas.report.from_run import teacher_view
from gtn_nas.report.grid import teacher_grid

__all__ = ["TensorBoardLog"]


class TensorBoardLog:
    """Writes events into ``folder``: every outer step's figures, and after each validation its own and the images.

    Raises:
        UserError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UserError(f"--log needs TensorBoard; {how_to_install('log')}.") from error
        self._writer = SummaryWriter(str(folder))
        self._validated: int | None = None

    def __enter__(self) -> TensorBoardLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    def add(self, trainer: MetaTrainer, step: OuterStep) -> None:
        """Note one outer step."""
        self._scalars(step.number, {"meta/loss": step.loss, "meta/accuracy": step.accuracy})
        self._scalars(step.number, {"learners/diverged": step.diverged, "seconds/outer_step": step.seconds})
        schedule = {name: float(values.detach().mean()) for name, values in trainer.teacher.schedule().items()}
        self._scalars(step.number, {f"schedule/{name}_mean": value for name, value in schedule.items()})
        if self._validated is None:  # a resumed run's earlier ones are in the log of before
            self._validated = sum(found.outer_steps <= step.number for found in trainer.validations)
        for found in trainer.validations[self._validated :]:
            spearman = {} if found.spearman is None else {"validation/spearman": found.spearman}
            self._scalars(found.outer_steps, {"validation/accuracy": found.accuracy, **spearman})
            view = teacher_view(replace(freeze(trainer), lesson=trainer.lesson()))
            picture = imread(io.BytesIO(teacher_grid(view.images, view.labels)))
            self._writer.add_image("lesson", picture[..., :3], found.outer_steps, dataformats="HWC")
        self._validated = len(trainer.validations)

    def add_results(self, figures: Mapping[str, float]) -> None:
        """Note what a run came to."""
        self._scalars(0, {f"result/{name}": value for name, value in figures.items()})

    def _scalars(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
