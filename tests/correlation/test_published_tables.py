"""Published accuracies as a truth table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gtn_nas.correlation import compare, read_published
from gtn_nas.errors import UserError
from gtn_nas.proxy import Params
from gtn_nas.task import Task
from search_spaces.cnn_small import CnnSmall
from search_spaces.nasbench201 import NasBench201Reduced, to_string

SPACE = NasBench201Reduced()


@pytest.fixture
def published(tmp_path: Path) -> Path:
    cells = SPACE.sample_many(8, 0)
    rows = [f"{to_string(cell)},{80 + number},{50 - number}" for number, cell in enumerate(cells)]
    path = tmp_path / "published.csv"
    path.write_text("\n".join(["architecture,digits_test,other_test", *rows]) + "\n", encoding="utf-8")
    return path


def test_accuracies_are_read_for_the_task_or_another_column(digits: Task, published: Path) -> None:
    table = read_published(published, SPACE, replace(digits, name="digits@6"))
    assert table.architectures == SPACE.sample_many(8, 0)
    assert table.mean == pytest.approx([0.80 + number / 100 for number in range(8)])
    assert read_published(published, SPACE, digits, "other_test").mean[1] == pytest.approx(0.49)


def test_a_part_of_it_is_compared(digits: Task, published: Path) -> None:
    table = read_published(published, SPACE, digits).sample(6, seed=1)
    assert len(table.keys) == 6
    assert table.keys == read_published(published, SPACE, digits).sample(6, seed=1).keys
    content = compare(table, [Params(SPACE, digits)], seeds=1)
    assert content["truth"]["seconds_per_training"] is None
    assert content["truth"]["ceiling"] is None
    assert content["truth"]["recipe"] == {"published": "published.csv", "column": "digits_test"}
    assert len(read_published(published, SPACE, digits).sample(100, seed=1).keys) == 8


def test_what_is_no_table_is_refused(digits: Task, published: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no published table"):
        read_published(tmp_path / "none.csv", SPACE, digits)
    with pytest.raises(UserError, match=r"'kmnist_test', but the accuracies that it has are digits_test, other_test"):
        read_published(published, SPACE, replace(digits, name="kmnist"))
    with pytest.raises(UserError, match="line 2: space 'cnn_small' has no published notation"):
        read_published(published, CnnSmall(), digits)
    text = published.read_text(encoding="utf-8")
    published.write_text(text.replace("|nor_conv_3x3~0|", "|nor_conv_9x9~0|", 1), encoding="utf-8")
    with pytest.raises(UserError, match=r"line \d: .*nor_conv_9x9"):
        read_published(published, SPACE, digits)
    published.write_text(text.replace(",81,", ",high,"), encoding="utf-8")
    with pytest.raises(UserError, match="line 3: could not convert"):
        read_published(published, SPACE, digits)
    published.write_text("architecture,digits_test\n", encoding="utf-8")
    with pytest.raises(UserError, match="has no row"):
        read_published(published, SPACE, digits)


def test_all_published_accuracies_are_fractions(digits: Task, published: Path) -> None:
    assert np.all(read_published(published, SPACE, digits).accuracies < 1)
