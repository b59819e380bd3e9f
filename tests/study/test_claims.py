from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from gtn_nas.study import Claim, Measured, Row, judge


def claim(relation: str, second: str | float = "b:accuracy", margin: float = 0.0, first: str = "a:accuracy") -> Claim:
    parts = {"says": "so", "first": first, "relation": relation, "second": second, "margin": margin}
    return Claim.model_validate(parts)


@pytest.mark.parametrize(
    ("relation", "margin", "a", "b", "outcome"),
    [
        ("above", 0.0, [0.95, 0.96, 0.95], [0.90, 0.91, 0.90], "holds"),
        ("above", 0.2, [0.95, 0.96, 0.95], [0.90, 0.91, 0.90], "fails"),
        ("above", 0.0, [0.95, 0.80, 0.99], [0.90, 0.91, 0.90], "undecided"),
        ("below", 0.0, [0.95, 0.96, 0.95], [0.90, 0.91, 0.90], "fails"),
        ("equal", 0.02, [0.95, 0.951, 0.952], [0.95, 0.949, 0.951], "holds"),
        ("equal", 0.001, [0.95, 0.951, 0.952], [0.95, 0.949, 0.951], "undecided"),
        ("equal", 0.01, [0.95, 0.951, 0.952], [0.90, 0.901, 0.902], "fails"),
        ("at_least", 0.0, [0.9], [0.9], "undecided"),  # one seed has no interval
        ("above", 0.0, [0.9, 0.8, 0.85], [0.2], "undecided"),
        ("above", 0.0, [0.9, 0.9], [0.8, 0.8], "holds"),
        ("above", 0.0, [0.9], [], "not measured"),
    ],
)
def test_an_interval_over_seeds_decides(
    measured: Callable[..., Measured], relation: str, margin: float, a: list[float], b: list[float], outcome: str
) -> None:
    assert judge(claim(relation, margin=margin), measured(a=a, b=b)).outcome == outcome


def test_the_interval_is_welchs(measured: Callable[..., Measured]) -> None:
    verdict = judge(claim("above"), measured(a=[1.0, 2.0, 3.0], b=[0.0, 1.0, 5.0]))
    assert verdict.difference == pytest.approx(0.0)
    assert verdict.interval is not None
    low, high = verdict.interval
    assert low == pytest.approx(-high)
    # t(0.975, ν = 2.56) = 3.515 times the standard error, the root of 1/3 + 7/3
    assert high == pytest.approx(3.515 * (8 / 3) ** 0.5, rel=1e-3)


def test_a_number_may_stand_second(measured: Callable[..., Measured]) -> None:
    assert judge(claim("above", 0.7), measured(a=[0.71])).outcome == "undecided"
    assert judge(claim("above", 0.7), measured(a=[0.71, 0.711, 0.712])).outcome == "holds"
    assert judge(claim("above", 0.7), measured(a=[0.71, 0.60, 0.71])).outcome == "undecided"


def test_figures_of_the_same_runs_are_paired(row: Callable[..., Row]) -> None:
    rows = [row("a", seed, figures={"accuracy": x, "shuffled": x - 0.1}) for seed, x in enumerate([0.2, 0.5, 0.9])]
    rows.append(row("a", 3, figures={"accuracy": 0.7}))  # of a run that was not shuffled
    verdict = judge(claim("above", "a:shuffled"), Measured(rows, {}))
    assert verdict.outcome == "holds"
    assert verdict.interval == pytest.approx((0.1, 0.1))


def test_points_of_curves_need_an_interval_as_well(row: Callable[..., Row]) -> None:
    rows = [row("a", seed, series={"noise": [(0.5, x), (1.6, x - 0.1)]}) for seed, x in enumerate([0.2, 0.5, 0.9])]
    rows += [row("b", 0, series={"noise": [(1.6, 0.0)]})]
    verdict = judge(claim("above", "a:noise@1.6", first="a:noise@0.5"), Measured(rows, {}))
    assert verdict.outcome == "holds"
    assert verdict.interval == pytest.approx((0.1, 0.1))
    verdict = judge(claim("above", "b:noise@1.6", first="a:noise@0.5"), Measured(rows, {}))
    assert (verdict.outcome, verdict.interval) == ("undecided", None)


def test_an_interval_from_elsewhere_comes_first(measured: Callable[..., Measured]) -> None:
    found = measured(a=[0.9], b=[0.8])
    assert judge(claim("above"), found, (0.05, 0.15)).outcome == "holds"
    assert judge(claim("above"), found, (-0.05, 0.15)).outcome == "undecided"


def test_figures_that_sum_up_all_runs_decide_by_themselves() -> None:
    derived = Measured([], {("a", "accuracy"): [3.0], ("b", "accuracy"): [2.0]})
    verdict = judge(claim("above"), derived)
    assert (verdict.outcome, verdict.interval) == ("holds", None)


def test_a_place_is_variant_and_figure() -> None:
    with pytest.raises(ValidationError, match="written variant:figure, but got 'accuracy'"):
        claim("above", "accuracy")
