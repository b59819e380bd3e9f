"""A part of a space is a space of its own."""

from __future__ import annotations

import pickle
from typing import ClassVar

import numpy as np
import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from torch import nn

from gtn_nas.errors import UserError
from gtn_nas.space import Architecture, ImageTask, SearchSpace, load_space
from gtn_nas.space.narrowing import narrow
from tests.conftest import Shape


class Numbers(SearchSpace):
    name = "numbers"
    parameters: ClassVar = {"whole": IntDistribution(1, 9), "part": FloatDistribution(0.0, 1.0)}

    def build(self, architecture: Architecture, task: ImageTask) -> nn.Module:
        return nn.Flatten()


def test_fixed_parameters_keep_their_values() -> None:
    space = load_space("cnn_small[norm=batch,residual=True,stage1_depth=2]")
    assert space.name == "cnn_small[stage1_depth=2,norm=batch,residual=True]"  # in the space's own order
    assert load_space(space.name).fingerprint == space.fingerprint
    drawn = space.sample_many(20, 0)
    assert {(a["norm"], a["residual"], a["stage1_depth"]) for a in drawn} == {("batch", True, 2)}
    assert len({a["activation"] for a in drawn}) > 1
    whole = load_space("cnn_small")
    assert space.size == whole.size // (3 * 2 * 3)
    assert space.fingerprint != whole.fingerprint
    network, same = space.build(drawn[0], Shape()), whole.build(drawn[0], Shape())
    assert str(network) == str(same)


def test_it_reaches_other_processes() -> None:
    space = load_space("published[learner=base]")
    again = pickle.loads(pickle.dumps(space))
    assert (again.fingerprint, again.origin, again.size) == (space.fingerprint, "published[learner=base]", 1)
    assert again.sample(np.random.default_rng(0)) == {"learner": "base"}


def test_numbers_are_read_as_the_parameter_has_them() -> None:
    part = narrow(Numbers(), {"whole": "3", "part": "0.25"})
    assert part.sample(np.random.default_rng(0)) == {"whole": 3, "part": 0.25}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cnn_small[norm=layer]", "norm='layer' is outside the choices 'batch', 'group', 'none'"),
        ("cnn_small[stage1_depth=7]", "stage1_depth='7' is outside 1 to 3"),
        ("cnn_small[colour=red]", "no parameter 'colour'; its parameters are stage1_op"),
        ("cnn_small[norm]", r"written SPACE\[name=value,…\], but got 'norm'"),
        ("nothing[norm=batch]", "unknown search space 'nothing'"),
    ],
)
def test_what_is_not_there(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_space(name)
