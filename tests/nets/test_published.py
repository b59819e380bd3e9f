"""The published learners have the published sizes."""

import pytest
import torch

from gtn_nas.errors import UserError
from gtn_nas.nets.published import PUBLISHED, build_published
from tests.conftest import Shape

SIZES = {  # MNIST / CIFAR-10, counted from the published code
    "goodai": (106_910, 122_142),  # by the layers that are published
    "base": (75_988, 77_140),
    "base_fc": (1_683_668, 2_176_340),
    "linear": (235_924, 821_652),
    "base_larger": (1_683_668, 2_176_340),
    "base_larger2": (1_110_740, 1_111_892),
    "base_larger3": (3_671_636, 4_655_828),
    "base_larger3_global_pooling": (459_604, 460_756),
    "base_larger4": (3_755_860, 4_740_052),
    "base_larger4_global_pooling": (543_572, 544_724),
}


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize(("index", "shape"), [(0, (1, 28, 28)), (1, (3, 32, 32))])
def test_sizes(name, index, shape):
    network = build_published(name, Shape(shape))
    assert sum(p.numel() for p in network.parameters()) == SIZES[name][index]
    assert network(torch.randn(4, *shape)).shape == (4, 10)


def test_unknown_name():
    with pytest.raises(UserError, match="unknown published learner 'alexnet'; use one of goodai, base, base_fc"):
        build_published("alexnet", Shape())


def test_a_learner_that_does_not_fit_the_images():
    with pytest.raises(UserError, match="goodai needs images of at least 10×10 pixels, but these are 8×8"):
        build_published("goodai", Shape((1, 8, 8)))
