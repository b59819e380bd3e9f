from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from gtn_nas.study import Measured, Row


@pytest.fixture
def row() -> Callable[..., Row]:
    def make(variant: str, seed: int, **changes: object) -> Row:
        plain = {
            "key": f"{variant}{seed}",
            "study": "s",
            "scale": "cpu",
            "variant": variant,
            "seed": seed,
            "settings": {},
            "seconds": 1.0,
            "finished": "2026-01-01T00:00:00+00:00",
            "hardware": {"cores": 2},
            "versions": {"torch": "2"},
        }
        return Row.model_validate({**plain, **changes})

    return make


@pytest.fixture
def measured(row: Callable[..., Row]) -> Callable[..., Measured]:
    """Variant → values of the figure ``accuracy``, one for each seed."""

    def make(**variants: Sequence[float]) -> Measured:
        rows = [
            row(name, seed, figures={"accuracy": value})
            for name, values in variants.items()
            for seed, value in enumerate(values)
        ]
        return Measured(rows, {})

    return make
