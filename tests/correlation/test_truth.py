"""Truth tables: resumable, refused when foreign, honest about their noise."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from gtn_nas.correlation import TruthTable, ceiling, make_truth, read_trainings, train_one
from gtn_nas.errors import UserError
from gtn_nas.search.evaluator import CandidateFailed
from gtn_nas.space import Architecture, ImageTask
from gtn_nas.task import Task
from gtn_nas.training import Recipe
from search_spaces.cnn_small import CnnSmall

SPACE = CnnSmall()
RECIPE = Recipe(epochs=1, batch_size=256)


def make(
    path: Path, task: Task, architectures: int = 2, seeds: int = 2, recipe: Recipe = RECIPE, **options: int
) -> int:
    return make_truth(path, SPACE, task, recipe, architectures=architectures, seeds=seeds, sample_seed=0, **options)


def test_a_table_is_made_once_and_extended(digits: Task, tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    assert make(path, digits) == 4
    assert make(path, digits) == 0
    assert make(path, digits, architectures=3) == 2
    table = TruthTable.load(path, SPACE, digits)
    assert table.accuracies.shape == (3, 2)
    assert table.keys == sorted(SPACE.key(architecture) for architecture in SPACE.sample_many(3, 0))
    assert table.mean == pytest.approx(table.accuracies.mean(axis=1))
    assert table.recipe == RECIPE.model_dump()
    assert all(training.hardware["threads"] >= 1 and "torch" in training.versions for training in read_trainings(path))


def test_a_line_cut_by_a_kill_is_trained_again(digits: Task, tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    make(path, digits)
    whole = path.read_text()
    path.write_text(whole[:-20])
    assert len(read_trainings(path)) == 3
    assert make(path, digits) == 1
    again, before = read_trainings(path), [json.loads(line) for line in whole.splitlines()]
    assert [t.test_accuracy for t in again] == [row["test_accuracy"] for row in before]


def test_a_complete_last_line_without_its_end_is_kept_apart(digits: Task, tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    make(path, digits)
    path.write_text(path.read_text()[:-1])
    make(path, digits)
    assert len(read_trainings(path)) == 4
    assert path.read_text().endswith("\n")


def test_parallel_workers_make_the_same_table(digits: Task, tmp_path: Path) -> None:
    make(tmp_path / "one.jsonl", digits)
    make(tmp_path / "two.jsonl", digits, workers=2)
    tables = [TruthTable.load(tmp_path / name, SPACE, digits) for name in ("one.jsonl", "two.jsonl")]
    by_key = [dict(zip(table.keys, table.accuracies.tolist(), strict=True)) for table in tables]
    assert by_key[0].keys() == by_key[1].keys()
    for key, accuracies in by_key[0].items():
        assert by_key[1][key] == pytest.approx(accuracies, abs=0.02)


def test_architectures_without_every_seed_are_left_out(digits: Task, tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    make(path, digits, architectures=3)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]))
    table = TruthTable.load(path, SPACE, digits)
    assert len(table.keys) == 2
    assert table.left_out == 1


def test_foreign_tables_are_refused(digits: Task, tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    make(path, digits, architectures=1, seeds=1)

    class Other(CnnSmall):
        version = 99

    other_task = replace(digits, test=replace(digits.test, labels=digits.test.labels.flip(0)))
    with pytest.raises(UserError, match="another space"):
        TruthTable.load(path, Other(), digits)
    with pytest.raises(UserError, match="another task"):
        TruthTable.load(path, SPACE, other_task)
    with pytest.raises(UserError, match="give another --out"):
        make(path, digits, recipe=Recipe(epochs=2))
    training = train_one(SPACE, digits, Recipe(epochs=2, batch_size=256), SPACE.sample_many(1, 0)[0], 0)
    path.write_text(path.read_text() + training.to_line() + "\n")
    with pytest.raises(UserError, match="mixes trainings of different recipes"):
        TruthTable.load(path, SPACE, digits)


def test_missing_and_damaged_tables(digits: Task, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no truth table"):
        TruthTable.load(tmp_path / "none.jsonl", SPACE, digits)
    path = tmp_path / "truth.jsonl"
    make(path, digits, architectures=1, seeds=1)
    path.write_text("nonsense\n" + path.read_text())
    with pytest.raises(UserError, match="line 1 is not a finished training"):
        read_trainings(path)
    path.write_text("")
    with pytest.raises(UserError, match="holds no architecture"):
        TruthTable.load(path, SPACE, digits)


def test_ceiling_is_the_agreement_of_the_seeds() -> None:
    rng = np.random.default_rng(0)
    quality = rng.normal(size=(50, 1))
    assert ceiling(quality) is None
    assert ceiling(np.repeat(quality, 3, axis=1)).value == pytest.approx(1.0)
    noisy = ceiling(quality + rng.normal(size=(50, 4)))
    noisier = ceiling(quality + 3 * rng.normal(size=(50, 4)))
    assert 0.3 < noisy.value < 0.9
    assert noisier.value < noisy.value
    assert noisy.low < noisy.value < noisy.high


class Breaks(CnnSmall):
    """Networks whose first stage has two blocks or more cannot be built."""

    def build(self, architecture: Architecture, task: ImageTask) -> nn.Module:
        if architecture["stage1_depth"] > 1:
            raise RuntimeError("too deep")
        return super().build(architecture, task)


def test_what_cannot_be_trained_has_no_line_and_the_others_have(digits: Task, tmp_path: Path) -> None:
    path, space, failures = tmp_path / "truth.jsonl", Breaks(), list[CandidateFailed]()
    fit = sum(one["stage1_depth"] == 1 for one in space.sample_many(6, 0))
    assert 0 < fit < 6
    made = make_truth(path, space, digits, RECIPE, architectures=6, seeds=1, sample_seed=0, on_failure=failures.append)
    assert (made, len(failures)) == (fit, 6 - fit)
    assert str(failures[0]) == "RuntimeError: too deep"
    assert len(TruthTable.load(path, space, digits).keys) == fit


def test_a_space_of_which_nothing_can_be_trained_is_refused(
    digits: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CnnSmall, "build", lambda *_: 1 / 0)
    with pytest.raises(
        UserError, match=r"none of 2 architectures .* \(first reason: ZeroDivisionError: .*gtn-nas spaces"
    ):
        make(tmp_path / "truth.jsonl", digits)


def test_architectures_that_lack_a_seed_are_counted_in_words(digits: Task, tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    make(path, digits, architectures=1, seeds=2)
    make(path, digits, architectures=3, seeds=1)
    table = TruthTable.load(path, SPACE, digits)
    assert table.left_out_in_words is not None
    assert table.left_out_in_words.startswith("2 of 3 architectures are left out")
    assert "--seeds 2 --architectures 3" in table.left_out_in_words
    of_one_seed = TruthTable.load(path, SPACE, digits, {(SPACE.key(one), 0) for one in SPACE.sample_many(3, 0)})
    assert (of_one_seed.accuracies.shape, of_one_seed.left_out_in_words) == ((3, 1), None)
