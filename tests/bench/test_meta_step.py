"""The measurements compare methods that compute the same thing."""

from __future__ import annotations

import importlib.util
import json
import warnings
from pathlib import Path

import pytest
import torch

from gtn_nas.bench.cases import CASES
from gtn_nas.bench.growth import measure_growth
from gtn_nas.bench.meta_step import measure_meta_steps
from gtn_nas.bench.methods import METHODS
from gtn_nas.errors import UserError

CPU = torch.device("cpu")


@pytest.mark.parametrize("case", ["a", "c", "d"])
@pytest.mark.parametrize("method", [name for name in METHODS if name != "higher"])
def test_every_method_reaches_the_same_meta_loss(case: str, method: str) -> None:
    if method == "torchopt" and importlib.util.find_spec("torchopt") is None:
        pytest.skip("TorchOpt is not installed (it has no wheel for this Python or system)")
    losses = []
    for name in ("higher", method):
        steps = CASES[case].tiny().make(native=METHODS[name].native, device=CPU)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # higher's own, on modern torch
            losses.append([METHODS[name].run(step) for step in steps])
        assert all(step.into.any() for step in steps) == (name != "first_order")  # the images' gradient arrived
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_processes_are_measured_in_turn(tmp_path: Path) -> None:
    turns: list[tuple[str, int]] = []
    found = measure_meta_steps(
        ["short"], ["first_order", "mixed"], 1, on_run=lambda case, method, number: turns.append((method, number))
    )
    assert turns == [("first_order", 0), ("mixed", 0), ("first_order", 1), ("mixed", 1)]
    measured = found["short"]["methods"]
    assert measured["mixed"]["cpu_seconds"] > measured["first_order"]["cpu_seconds"] > 0
    assert measured["mixed"]["loss"] == pytest.approx(measured["first_order"]["loss"], rel=1e-3)
    json.dumps(found)


@pytest.mark.parametrize(("cases", "methods"), [(["z"], ["mixed"]), (["a"], ["magic"])])
def test_unknown_names(cases: list[str], methods: list[str]) -> None:
    with pytest.raises(UserError, match=r"unknown (case|method) '(z|magic)'; use one of"):
        measure_meta_steps(cases, methods, 1)


def test_growth_is_that_of_the_largest_size() -> None:
    found = measure_growth(10)
    assert found["outer_steps"] == 10
    assert found["early_bytes"] > 2**20
    assert found["growth"] == pytest.approx(found["late_bytes"] / found["early_bytes"] - 1)


def test_growth_of_too_few_steps_is_not_known() -> None:
    assert measure_growth(2)["growth"] is None
