"""Blocks: shapes, shortcuts and the scale of what flows through them."""

import math
from statistics import geometric_mean

import pytest
import torch
from torch import nn

from gtn_nas.nets import NORMALISATIONS, OPERATORS, Block, Pool, kaiming_init, make_norm


def block(operator="conv3", cin=16, cout=16, stride=1, norm="batch", activation="relu", residual=True):
    return Block(operator, cin, cout, stride=stride, norm=norm, activation=activation, residual=residual)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize(("cin", "cout"), [(16, 16), (16, 24), (24, 8)])
def test_a_block_keeps_or_halves_any_size(operator, residual, cin, cout):
    for stride in (1, 2):
        for height, width in ((8, 8), (7, 5), (1, 2)):
            y = block(operator, cin, cout, stride, residual=residual)(torch.randn(2, cin, height, width))
            assert y.shape == (2, cout, math.ceil(height / stride), math.ceil(width / stride))


def silence(network):
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    return network


@pytest.mark.parametrize("cout", [8, 16, 24])
def test_the_shortcut_keeps_the_channels_it_can_and_averages_where_it_strides(cout):
    x = torch.rand(2, 16, 7, 5)
    kept = min(cout, 16)
    same = silence(block(cout=cout, norm="none"))(x)
    torch.testing.assert_close(same[:, :kept], x[:, :kept])
    assert (same[:, kept:] == 0).all()
    halved = silence(block(cout=cout, stride=2, norm="none"))(x)
    torch.testing.assert_close(halved[:, :kept, 0, 0], x[:, :kept, :2, :2].mean((2, 3)))
    torch.testing.assert_close(halved[:, :kept, -1, -1], x[:, :kept, -1, -1])  # the odd edge stands alone


def test_without_residual_there_is_no_shortcut():
    assert (silence(block(residual=False, norm="none"))(torch.rand(2, 16, 4, 4)) == 0).all()


@pytest.mark.parametrize("norm", NORMALISATIONS)
def test_convolutions_have_a_bias_only_where_nothing_normalises(norm):
    layers = [m for m in block("inverted3", norm=norm).modules() if isinstance(m, nn.Conv2d)]
    assert [layer.bias is not None for layer in layers] == [norm == "none"] * 3


@pytest.mark.parametrize(("channels", "groups"), [(4, 1), (8, 1), (24, 3)])
def test_group_norm_has_eight_channels_a_group(channels, groups):
    assert make_norm("group", channels).num_groups == groups


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize("size", [(8, 8), (7, 5), (1, 3)])
def test_pool_halves_rounding_up(kind, size):
    x = torch.rand(2, 3, *size)
    y = Pool(kind)(x)
    assert y.shape == (2, 3, math.ceil(size[0] / 2), math.ceil(size[1] / 2))
    corner = x[:, :, :2, :2]
    torch.testing.assert_close(y[:, :, 0, 0], corner.amax((2, 3)) if kind == "max" else corner.mean((2, 3)))


def scale_through_five_blocks(operator, activation, seed):
    torch.manual_seed(seed)
    plain = {"norm": "none", "activation": activation, "residual": False}
    network = nn.Sequential(*(Block(operator, 32, 32, stride=1, **plain) for _ in range(5)))
    kaiming_init(network)
    x = torch.randn(4, 32, 16, 16).relu()
    with torch.no_grad():
        return float(network(x).std() / x.std())


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("rectifier", ["relu", "leaky_relu"])
def test_kaiming_init_keeps_the_scale_through_a_deep_net_without_norm(operator, rectifier):
    assert 1 / 3 < geometric_mean(scale_through_five_blocks(operator, rectifier, seed) for seed in range(4)) < 3


def test_kaiming_init_sets_every_layer():
    network = nn.Sequential(nn.Conv2d(8, 64, 3), nn.Flatten(), nn.Linear(256, 200))
    for parameter in network.parameters():
        nn.init.constant_(parameter, 9.0)
    kaiming_init(network)
    assert network[0].weight.std().item() == pytest.approx((2 / 72) ** 0.5, rel=0.05)
    assert network[2].weight.std().item() == pytest.approx((1 / 256) ** 0.5, rel=0.05)
    assert (network[0].bias == 0).all()
    assert (network[2].bias == 0).all()
