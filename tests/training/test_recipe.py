"""A recipe refuses what makes no sense, and its fingerprint sees every setting."""

import pytest
from pydantic import ValidationError

from gtn_nas.training import Recipe


@pytest.mark.parametrize(
    "setting",
    [
        {"epochs": 0},
        {"epochs": 2.5},
        {"batch_size": 0},
        {"learning_rate": 0},
        {"learning_rate": -1e-3},
        {"learning_rate": float("nan")},
        {"learning_rate": float("inf")},
        {"learning_rate": "fast"},
        {"weight_decay": -1},
        {"weight_decay": float("inf")},
        {"warmup_fraction": 1},
        {"warmup_fraction": -0.1},
        {"label_smoothing": 1},
        {"momentum": 0.9},
    ],
)
def test_bad_values_are_refused_by_name(setting):
    with pytest.raises(ValidationError, match=next(iter(setting))):
        Recipe(**setting)


def test_a_recipe_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Recipe().epochs = 3


@pytest.mark.parametrize(
    "setting",
    [
        {"epochs": 11},
        {"batch_size": 65},
        {"learning_rate": 1e-3},
        {"weight_decay": 0},
        {"warmup_fraction": 0},
        {"label_smoothing": 0.1},
    ],
)
def test_the_fingerprint_changes_with_every_setting(setting):
    assert Recipe(**setting).fingerprint != Recipe().fingerprint
    assert Recipe(**setting).fingerprint == Recipe(**setting).fingerprint
