"""A space in NNI's words means what it meant; NNI itself is not needed for that."""

from __future__ import annotations

import json

import numpy as np
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from gtn_nas.errors import UserError
from gtn_nas.search.nni.convert import from_nni, to_nni
from search_spaces.cnn_small import CnnSmall
from search_spaces.nasbench201 import NasBench201

KINDS: dict[str, BaseDistribution] = {
    "words": CategoricalDistribution(("a", "b")),
    "mixed": CategoricalDistribution((True, "1", 2.5, 3)),
    "one": CategoricalDistribution(("only",)),
    "fixed": IntDistribution(4, 4),
    "depth": IntDistribution(1, 3),
    "width": IntDistribution(16, 64, step=8),
    "odd": IntDistribution(3, 11, step=4),
    "wide": IntDistribution(8, 512, log=True),
    "rate": FloatDistribution(0.1, 0.9),
    "log_rate": FloatDistribution(1e-4, 1e-1, log=True),
    "tenths": FloatDistribution(0.1, 0.5, step=0.1),
    "unaligned": FloatDistribution(0.05, 0.45, step=0.1),
}


def through_json(values: dict[str, object]) -> dict[str, object]:
    """As the manager passes them on; what is written in JavaScript has no whole floats."""
    text = json.dumps(values)
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in json.loads(text).items()
    }


@pytest.mark.parametrize("parameters", [KINDS, CnnSmall().parameters, NasBench201().parameters])
def test_architectures_come_back_as_they_went(parameters: dict[str, BaseDistribution]) -> None:
    class Space(CnnSmall):
        pass

    Space.parameters = parameters
    space = Space()
    for architecture in space.sample_many(30, 0):
        assert space.key(from_nni(parameters, through_json(architecture))) == space.key(architecture)


def test_each_kind_has_its_word_and_its_range() -> None:
    found = to_nni(KINDS)
    assert json.loads(json.dumps(found)) == found
    assert {name: kind["_type"] for name, kind in found.items()} == {
        "words": "choice",
        "mixed": "choice",
        "one": "choice",
        "fixed": "choice",
        "depth": "quniform",
        "width": "quniform",
        "odd": "choice",
        "wide": "qloguniform",
        "rate": "uniform",
        "log_rate": "loguniform",
        "tenths": "quniform",
        "unaligned": "choice",
    }
    assert found["odd"]["_value"] == [3, 7, 11]
    assert found["log_rate"]["_value"] == [1e-4, 1e-1]


def test_what_nni_rounds_is_evenly_spread() -> None:
    low, high, step = to_nni(KINDS)["depth"]["_value"]
    drawn = np.random.default_rng(0).uniform(low, high, 3000)
    depths = [from_nni({"depth": KINDS["depth"]}, {"depth": round(x / step) * step})["depth"] for x in drawn]
    assert all(900 < depths.count(depth) < 1100 for depth in (1, 2, 3))


def test_values_of_elsewhere_are_refused() -> None:
    with pytest.raises(UserError, match="NNI's words='c' is outside the choices 'a', 'b'; choose from there"):
        from_nni({"words": KINDS["words"]}, {"words": "c"})
    with pytest.raises(UserError, match="NNI's parameters lack 'words'"):
        from_nni({"words": KINDS["words"]}, {})
