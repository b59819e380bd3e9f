from __future__ import annotations

from collections.abc import Callable

import pytest

from gtn_nas.study import Claim, Measured, judge
from gtn_nas.study.comparison import Published, compare
from gtn_nas.study.words import claim_in_words, published_in_words, sentences, summary


def test_claims_are_said_with_their_numbers(measured: Callable[..., Measured]) -> None:
    found = measured(a=[0.95, 0.96, 0.97], b=[0.90, 0.90, 0.90])
    parts = {"says": "b wins", "first": "b:accuracy", "relation": "above", "second": "a:accuracy"}
    wrong = judge(Claim.model_validate(parts), found)
    said = claim_in_words(wrong)
    assert (said.outcome, said.mood) == ("contradicted", "bad")
    assert said.numbers.startswith("b accuracy 90.0\u202f% against a accuracy 96.0\u202f%, difference −6.0\u202fpt, 95")
    right = judge(Claim.model_validate({**parts, "relation": "below"}), found)
    assert summary([wrong, right], comparable=True) == "1 of 2 expectations hold, 1 contradicted."
    assert summary([wrong, right], comparable=False) == "A trial run: nothing is measured. Everything works."
    assert summary([wrong, right], comparable=False, failed=1) == "A trial run: nothing is measured. 1 run failed."
    assert summary([right], comparable=True, failed=2) == "1 of 1 expectations hold. 2 runs failed."
    first, second = sentences([right, wrong], [])
    assert first.startswith("Contradicted: b wins (b accuracy 90.0")
    assert second == "As expected: b wins."


def test_what_was_not_measured_is_named(measured: Callable[..., Measured]) -> None:
    parts = {"says": "so", "first": "a:accuracy", "relation": "above", "second": "a:acuracy"}
    said = claim_in_words(judge(Claim.model_validate(parts), measured(a=[0.9])))
    assert (said.outcome, said.numbers) == ("not measured", "“a” has no figure acuracy")


@pytest.mark.parametrize(("count", "text"), [(1.0, "1"), (8.0, "8")])
def test_counts_are_no_shares(count: float, text: str) -> None:
    derived = Measured([], {("t", "accepted"): [count]})
    claim = Claim.model_validate({"says": "so", "first": "t:accepted", "relation": "at_least", "second": 8})
    assert claim_in_words(judge(claim, derived)).numbers.startswith(f"t accepted {text} against 8, difference")


def test_published_figures_are_set_beside_ours(measured: Callable[..., Measured]) -> None:
    published = [
        Published.model_validate({"what": f"{name}:accuracy", "value": value, "source": "there"})
        for name, value in (("a", 0.955), ("b", 0.8), ("c", 0.5))
    ]
    compared = compare(published, measured(a=[0.95, 0.97], b=[0.9]))
    rows = [published_in_words(one) for one in compared]
    assert [row.ours for row in rows] == ["96.0\u202f% ± 1.4", "90.0\u202f%", "–"]
    assert [row.difference for row in rows] == ["+0.5\u202fpt", "+10.0\u202fpt", "–"]
    (sentence,) = sentences([], compared)
    assert (
        "as well: 2, of which 1 are met within a point; ours less theirs runs from 0.5\u202fpt to 10.0\u202fpt"
        in sentence
    )
