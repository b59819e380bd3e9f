"""What ``train-teacher`` shows while it trains: one line of progress, and the latest validations under it."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table

from gtn_nas.cli.on_terminal import OnTerminal
from gtn_nas.cli.output import note, progress_bar
from gtn_nas.meta.trainer import MetaTrainer, OuterStep
from gtn_nas.meta.validation import Validation

__all__ = ["TrainingView"]

_ROWS = 6


class TrainingView(OnTerminal):
    """A live view on a terminal; elsewhere every validation is a line of its own, for logs."""

    def __init__(self, phase: str = "") -> None:
        """``phase``: what comes before the first outer step."""
        super().__init__(progress_bar(None))
        self._bar = self._progress.add_task("teacher", total=1.0, note=phase)
        self._smooth, self._diverged, self._validated = _Running(), 0, 0

    def add(self, trainer: MetaTrainer, step: OuterStep) -> None:
        """Show one more outer step of ``trainer``."""
        self._diverged += step.diverged
        text = f"step {step.number + 1} loss {self._smooth('loss', step.loss):.3f}"
        text += f" accuracy {self._smooth('accuracy', step.accuracy):.3f}"
        text += f" [red]diverged {self._diverged}[/]" if self._diverged else ""
        self._progress.update(self._bar, completed=trainer.progress, note=text)
        new = trainer.validations[self._validated :]
        self._validated = len(trainer.validations)
        if not self.visible:
            for found in new:
                note(f"step {found.outer_steps}: {_in_words(found)}")
        elif new:
            self.show(Group(_table(trainer.validations), self._progress))


def _table(validations: list[Validation]) -> Table:
    table = Table("outer steps", "accuracy of unseen architectures", box=None, padding=(0, 2))
    ranked = any(found.spearman is not None for found in validations)
    if ranked:
        table.add_column("Spearman")
    best = max(validations, key=lambda found: found.figure)
    for found in validations[-_ROWS:]:
        correlation = ["–" if found.spearman is None else f"{found.spearman:.2f}"] if ranked else []
        mark = " best" if found is best else ""
        table.add_row(str(found.outer_steps), f"{found.accuracy:.3f}{mark}", *correlation)
    return table


def _in_words(found: Validation) -> str:
    ranking = "" if found.spearman is None else f", Spearman {found.spearman:.2f}"
    return f"unseen architectures reach {found.accuracy:.3f}{ranking}"


class _Running:
    """Exponential running means, bias-corrected, over about 20 steps."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, float]] = {}

    def __call__(self, name: str, value: float) -> float:
        total, weight = self._sums.get(name, (0.0, 0.0))
        total, weight = 0.95 * total + 0.05 * value, 0.95 * weight + 0.05
        self._sums[name] = (total, weight)
        return total / weight
