"""Fingerprints stay what they were: studies, teachers and truth tables on disk carry them."""

from __future__ import annotations

from gtn_nas.fingerprint import fingerprint
from gtn_nas.proxy import RealSteps, RealSubset
from gtn_nas.task import Task
from gtn_nas.training import Recipe
from search_spaces.cnn_small import CnnSmall


def test_it_is_the_beginning_of_the_sha256() -> None:
    assert fingerprint("abc") == "ba7816bf8f01cfea"
    assert fingerprint("τ") != fingerprint("t")


def test_stored_fingerprints_still_hold(digits: Task) -> None:
    space = CnnSmall()
    assert space.fingerprint == "57fef356ea48a77a"
    assert space.key(space.sample_many(1, 0)[0]) == "02f856b8a9367846"
    assert Recipe().fingerprint == "240adfa10600c312"
    assert RealSteps(space, digits, 16, 32).fingerprint == "66d2a1ccc97e4647"
    assert RealSubset(space, digits, 16, 32).fingerprint == "03ceab384ff55572"
