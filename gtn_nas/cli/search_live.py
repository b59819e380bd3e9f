"""What ``search`` shows while it runs: the best candidates so far, under them how far it is and how fast."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType

import optuna
from optuna.trial import TrialState
from rich.console import Group
from rich.table import Table

from gtn_nas.cli.on_terminal import OnTerminal
from gtn_nas.cli.output import describe, progress_bar
from gtn_nas.search import Goal, best_trials, settled_trials

__all__ = ["SearchView", "in_words"]

_ROWS = 5
_PAUSE = 0.5  # seconds between two looks at the study, which may hold thousands of trials


class SearchView(OnTerminal):
    """A live view of a study, whoever works on it; where there is no terminal, nothing."""

    def __init__(self, study: optuna.Study, trials: int, goal: Goal) -> None:
        self._study, self._goal = study, goal
        self._settled = self._first = len(settled_trials(study))
        self._began, self._looked = time.monotonic(), 0.0
        super().__init__(progress_bar("candidates"))
        self._bar = self._progress.add_task("search", total=trials, completed=self._settled, note="")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.visible:
            self._look()
        super().__exit__(kind, error, trace)

    def update(self, _: object = None) -> None:
        """Show the study as it is now."""
        if self.visible and time.monotonic() > self._looked + _PAUSE:
            self._look()
            self._looked = time.monotonic()

    def _look(self) -> None:
        settled = settled_trials(self._study)
        minutes = (time.monotonic() - self._began) / 60
        rate = f"{(len(settled) - self._first) / minutes:.3g}/min" if len(settled) > self._first else ""
        self._progress.update(self._bar, completed=len(settled), note=rate)
        states = Counter(trial.state for trial in settled)
        self.show(Group(_table(self._study, self._goal, states), self._progress))


def in_words(names: Sequence[str], values: Sequence[float]) -> list[str]:
    """Write objectives' values, each in its own way."""
    written = {"params": "{:,.0f}", "flops": "{:,.0f}", "latency": "{:.3g} s"}
    return [written.get(name, "{:.3f}").format(value) for name, value in zip(names, values, strict=True)]


def _table(study: optuna.Study, goal: Goal, states: Counter[TrialState]) -> Table:
    counts = {"given up": states[TrialState.PRUNED], "[red]failed[/]": states[TrialState.FAIL]}
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    table = Table(box=None, padding=(0, 2, 0, 0), expand=True, caption=said or None, caption_justify="left")
    for name in ("trial", *(name for name in goal.names if name != "params"), "params"):
        table.add_column("score" if goal.names == (name,) == ("accuracy",) else name, justify="right", no_wrap=True)
    table.add_column("best so far", ratio=1, no_wrap=True, overflow="ellipsis")
    for trial in best_trials(study, _ROWS):
        named = dict(zip(goal.names, in_words(goal.names, trial.values), strict=True))
        size = f"{trial.user_attrs['params']:,}"
        shown = [value for name, value in named.items() if name != "params"]
        table.add_row(str(trial.number), *shown, size, describe(trial.params))
    return table
