"""The seeded block decides what is drawn within it, and nothing after it."""

from __future__ import annotations

import pytest
import torch

from gtn_nas.seeding import seeded


def test_the_seed_decides_what_is_drawn_within() -> None:
    drawn = []
    for seed in (3, 3, 4):
        with seeded(seed):
            drawn.append(torch.rand(5))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    torch.manual_seed(3)
    assert torch.equal(torch.rand(5), drawn[0])


def test_what_follows_is_as_if_nothing_had_been_drawn() -> None:
    before = torch.get_rng_state()
    with seeded(0):
        torch.rand(5)
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(RuntimeError, match="size"), seeded(0):
        torch.rand(5) @ torch.rand(4)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_cuda_is_seeded_and_restored_as_well() -> None:
    torch.empty(1, device="cuda")  # from here on CUDA is in use
    before = torch.cuda.get_rng_state()
    drawn = []
    for _ in range(2):
        with seeded(1):
            drawn.append(torch.rand(5, device="cuda"))
    assert torch.equal(*drawn)
    assert torch.equal(torch.cuda.get_rng_state(), before)
