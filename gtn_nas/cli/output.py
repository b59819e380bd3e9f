"""What the verbs print: words and progress to stderr, results to stdout."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

__all__ = ["console", "count", "describe", "fail", "help_of", "note", "print_json", "progress_bar", "results"]

console = Console(stderr=True, highlight=False)
results = Console(highlight=False)


def note(markup: str) -> None:
    """Say something to the user on stderr; what comes from outside must be escaped."""
    console.print(markup, soft_wrap=True)


def fail(sentence: str) -> None:
    """Say on stderr what went wrong, ``sentence`` being shown literally."""
    note(f"[bold red]error:[/] {escape(sentence)}")


def print_json(content: Mapping[str, Any]) -> None:
    """Print a machine-readable result on stdout."""
    json.dump(content, sys.stdout, indent=1)
    sys.stdout.write("\n")


def progress_bar(unit: str | None) -> Progress:
    """Return a progress display: what, bar, count of ``unit`` (None: a fraction), note, time spent and left."""
    count = [] if unit is None else [MofNCompleteColumn(), TextColumn(unit)]
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=18),
        *count,
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,  # a log file gets the summary alone
    )


def count(number: int, one: str, many: str | None = None) -> str:
    """Return a number of things in words; several of ``one`` end in -s unless ``many`` says how they are called."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def help_of(verb: Callable[..., object]) -> str:
    """Return a verb's docstring with every paragraph in one line, which the terminal breaks where it ends."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in (inspect.getdoc(verb) or "").split("\n\n"))


def describe(architecture: Mapping[str, Any]) -> str:
    """Return an architecture as ``name=value`` words."""
    return " ".join(f"{name}={value}" for name, value in architecture.items())
