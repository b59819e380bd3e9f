"""Classes that a proxy misplaces are found in large spaces as well."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution

from gtn_nas.correlation.classes import by_class
from gtn_nas.space import SearchSpace


class Many(SearchSpace):
    """A hundred choices between two."""

    name = "many"
    parameters: ClassVar[dict[str, Any]] = {f"choice{n}": CategoricalDistribution(("a", "b")) for n in range(100)}

    def build(self, architecture: object, task: object) -> Any:
        pytest.fail("nothing is built here")


def test_a_misplaced_class_is_found_among_two_hundred() -> None:
    space, rng = Many(), np.random.default_rng(0)
    architectures = space.sample_many(60, 0)
    truth = rng.normal(size=60)
    favoured = np.array([architecture["choice7"] == "a" for architecture in architectures])
    found = by_class(space, architectures, truth + 2.0 * favoured, truth, rng.normal(size=60))
    assert len(found) > 190
    warned = {(entry["parameter"], entry["value"]): entry["warning"] for entry in found if entry["shift"] > 0.1}
    assert "placed too high by" in warned["choice7", "a"]
    placed = [entry for entry in found if entry["warning"] and "placed too" in entry["warning"]]
    assert {entry["parameter"] for entry in placed} == {"choice7"}
