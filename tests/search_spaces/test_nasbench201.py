"""NAS-Bench-201: the published network, counted and computed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from gtn_nas.errors import UserError
from gtn_nas.space import load_space
from search_spaces.nasbench201 import NasBench201, NasBench201Reduced, to_string

# Parameters as published with the scores of Abdelfattah et al. (2021), in NAS-Bench-Suite-Zero.
PUBLISHED = {
    "|avg_pool_3x3~0|+|nor_conv_1x1~0|nor_conv_1x1~1|+|nor_conv_1x1~0|nor_conv_3x3~1|nor_conv_1x1~2|": 428_346,
    "|nor_conv_1x1~0|+|nor_conv_1x1~0|none~1|+|nor_conv_3x3~0|nor_conv_1x1~1|nor_conv_3x3~2|": 643_386,
}


@dataclass(frozen=True)
class Images:
    image_shape: tuple[int, int, int] = (3, 32, 32)
    classes: int = 10


def test_it_holds_every_cell() -> None:
    assert NasBench201().size == 15_625
    assert load_space("nasbench201_reduced").size == 15_625


@pytest.mark.parametrize(("text", "params"), PUBLISHED.items())
def test_parameters_are_the_published_ones(text: str, params: int) -> None:
    assert NasBench201().cost(NasBench201().read(text), Images()).params == params


def test_notation_goes_both_ways() -> None:
    for architecture in NasBench201().sample_many(20, 0):
        assert NasBench201().read(to_string(architecture)) == architecture
    with pytest.raises(ValueError, match="no cell of NAS-Bench-201"):
        NasBench201().read("|nor_conv_3x3~0|+|none~0|")
    with pytest.raises(UserError, match="no published notation"):
        load_space("cnn_small").read("conv3")


def test_a_cell_adds_what_its_edges_carry() -> None:
    text = "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|none~0|skip_connect~1|skip_connect~2|"
    network = NasBench201().build(NasBench201().read(text), Images())
    x = torch.randn(2, 16, 8, 8)
    assert torch.allclose(network[2](x), 3 * x)  # node 1: x, node 2: 2x, node 3: x + 2x


def test_a_cell_that_passes_nothing_still_gives_logits() -> None:
    network = NasBench201Reduced().build(
        NasBench201().read("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"), Images()
    )
    logits = network(torch.randn(4, 3, 32, 32))
    assert logits.shape == (4, 10)
    assert torch.isfinite(logits).all()
    assert NasBench201Reduced().fingerprint != NasBench201().fingerprint


def test_it_takes_other_images() -> None:
    architecture = NasBench201Reduced().sample_many(1, 1)[0]
    for shape in ((1, 28, 28), (3, 16, 16), (1, 8, 8)):
        network = NasBench201Reduced().build(architecture, Images(shape, 7))
        assert network(torch.randn(3, *shape)).shape == (3, 7)
