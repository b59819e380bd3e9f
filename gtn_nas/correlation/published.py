"""Published accuracies as a truth table: a CSV file with a row for each architecture."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np

from gtn_nas.correlation.truth import TruthTable
from gtn_nas.data import split_size
from gtn_nas.errors import UserError
from gtn_nas.space import SearchSpace
from gtn_nas.task import Task

__all__ = ["load_truth", "read_published"]

_ARCHITECTURE = "architecture"


def read_published(path: Path, space: SearchSpace, task: Task, column: str | None = None) -> TruthTable:
    """Read a table whose column ``architecture`` is in the space's published notation.

    The accuracies are those of the publication's own networks, images and training: of a smaller stand-in space or
    smaller images, the table says what the ranking ought to be at full size. They serve as validation
    accuracies as well, since nothing else was published.

    Args:
        path: the CSV file.
        space: that :meth:`gtn_nas.space.SearchSpace.read` is asked of.
        task: whose name, without a size, chooses the column: ``cifar10_test`` for ``cifar10@16``.
        column: another one; accuracies as fractions or in percent.

    Raises:
        UserError: no such file or column, a row that is none, or the space has no published notation.
    """
    if not path.is_file():
        raise UserError(f"no published table {path}; give the path of a CSV file.")
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        reader = csv.DictReader(file)
        columns = [name for name in reader.fieldnames or () if name != _ARCHITECTURE]
        chosen = column or f"{split_size(task.name)[0]}_test"
        if _ARCHITECTURE not in (reader.fieldnames or ()) or chosen not in columns:
            raise UserError(
                f"{path} must have the columns {_ARCHITECTURE!r} and {chosen!r}, but the accuracies that it has are "
                f"{', '.join(columns) or 'none'}; choose one of them with --truth-column."
            )
        architectures, accuracies = [], []
        for row in reader:
            try:
                architectures.append(space.validate(space.read(row[_ARCHITECTURE])))
                accuracies.append(_accuracy(row[chosen]))
            except (TypeError, ValueError) as error:
                raise UserError(f"{path}, line {reader.line_num}: {error}") from error
    if not accuracies:
        raise UserError(f"{path} has no row; give a table with architectures.")
    found = np.array(accuracies)[:, None] / (100 if max(accuracies) > 1 else 1)
    return TruthTable(
        architectures=architectures,
        keys=[space.key(architecture) for architecture in architectures],
        accuracies=found,
        seconds_per_training=float("nan"),
        recipe={"published": path.name, "column": chosen},
        validation=found[:, 0],
    )


def _accuracy(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"an accuracy must be a finite number, but it is {text!r}; correct it or remove the line.")
    return value


def load_truth(path: Path, space: SearchSpace, task: Task, column: str | None = None) -> TruthTable:
    """Read a table that gtn-nas truth made, or a published one, a ``.csv``.

    Raises:
        UserError: as :meth:`TruthTable.load` and :func:`read_published` do, or ``column`` for a table of our own.
    """
    if path.suffix == ".csv":
        return read_published(path, space, task, column)
    if column is not None:
        raise UserError(f"--truth-column is for published .csv tables, and {path} is none; leave it out.")
    return TruthTable.load(path, space, task)
