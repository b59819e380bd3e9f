"""The space of NAO's cells: its size, its network, its operators."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

import pytest
import torch
from torch import nn

from gtn_nas.meta import Learner
from gtn_nas.space import load_space
from search_spaces.nao_micro import NaoMicro, NaoMicroReduced


@dataclass(frozen=True)
class Images:
    image_shape: tuple[int, int, int] = (3, 32, 32)
    classes: int = 10


def test_it_is_as_large_as_published() -> None:
    assert NaoMicro().size == (720**2 * 11**10) ** 2
    assert load_space("nao_micro_reduced").size == NaoMicro().size


def test_networks_are_as_large_as_published() -> None:
    """Of 20 random networks: 1.6 to 4.7 million parameters, half of them below 2.7."""
    sizes = [NaoMicro().cost(architecture, Images()).params for architecture in NaoMicro().sample_many(20, 0)]
    assert min(sizes) > 1.0e6
    assert max(sizes) < 6.0e6
    assert 2.0e6 < median(sizes) < 3.5e6


def chain(**changes: str) -> dict[str, object]:
    """Return a cell in which every node takes the one before by identity, but for ``changes``."""
    found: dict[str, object] = {}
    for name, distribution in NaoMicro.parameters.items():
        last = distribution.choices[-1] if name.endswith("_from") else "identity"  # type: ignore[attr-defined]
        found[name] = changes.get(name, last)
    return found


def test_a_chain_of_identities_doubles_its_input_at_every_node() -> None:
    cell = NaoMicroReduced().build(NaoMicroReduced().validate(chain()), Images()).cells[0]
    before, last = torch.randn(2, 24, 8, 8), torch.randn(2, 24, 8, 8)
    assert cell.channels == 8  # the last node alone is used by no other
    assert torch.allclose(cell(before, last), 32 * cell.last(last), atol=1e-5)


def test_what_no_node_uses_is_put_one_after_the_other() -> None:
    spread = {name: "before_last" for name in NaoMicro.parameters if name.endswith("_from")}
    cell = NaoMicroReduced().build(NaoMicroReduced().validate(chain(**spread)), Images()).cells[0]
    x = torch.randn(2, 24, 8, 8)
    assert cell.channels == 40
    assert torch.allclose(cell(x, x), 2 * cell.before(x).repeat(1, 5, 1, 1), atol=1e-5)


@pytest.mark.parametrize("operator", NaoMicro.parameters["normal1_left_op"].choices)  # type: ignore[attr-defined]
@pytest.mark.parametrize("size", [(8, 8), (7, 7), (5, 3)])
def test_every_operator_keeps_or_halves_the_image(operator: str, size: tuple[int, int]) -> None:
    changes = {"normal1_left_op": operator, "reduction1_left_op": operator}
    cells = NaoMicroReduced().build(NaoMicroReduced().validate(chain(**changes)), Images()).cells
    kept = cells[0](*torch.randn(2, 2, 24, *size))
    assert kept.shape == (2, cells[0].channels, *size)
    halved = cells[1](torch.randn(2, 24, *size), kept)
    assert halved.shape == (2, cells[1].channels, *((side + 1) // 2 for side in size))


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 16, 16)])
def test_a_learner_of_it_can_be_differentiated_twice(shape: tuple[int, int, int]) -> None:
    architecture = NaoMicroReduced().sample_many(1, 3)[0]
    learner = Learner(NaoMicroReduced().build(architecture, Images(shape, 7)))
    theta, images = learner.initial.requires_grad_(), torch.randn(4, *shape, requires_grad=True)
    loss = learner.loss(theta, images, torch.arange(4))
    (slope,) = torch.autograd.grad(loss, theta, create_graph=True)
    (found,) = torch.autograd.grad(slope.square().sum(), images)
    assert torch.isfinite(found).all()
    assert found.abs().max() > 0


def test_the_reduced_network_is_another_space() -> None:
    assert NaoMicroReduced().fingerprint != NaoMicro().fingerprint
    network = NaoMicroReduced().build(NaoMicroReduced().sample_many(1, 0)[0], Images())
    assert isinstance(network, nn.Module)
    assert sum(p.numel() for p in network.parameters()) < 150_000
