"""Zero-cost proxies, each against its own definition computed another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gtn_nas.nets.mean_only import MeanOnlyBatchNorm
from gtn_nas.proxy.zero_cost import ZERO_COST
from gtn_nas.task import Task
from search_spaces.cnn_small import CnnSmall
from search_spaces.nasbench201 import NasBench201Reduced

SPACE = CnnSmall()


class Small(nn.Module):
    """A convolution, batch norm, a rectifier in place, and a linear head; float64."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first, self.norm, self.act = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True)
        self.last = nn.Linear(4 * 36, 10)
        self.double().train()

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.act(self.norm(self.first(x))).flatten(1))


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    return torch.randn(12, 1, 8, 8, dtype=torch.float64, generator=rng), torch.arange(12) % 10


def of(name: str, digits: Task, network: nn.Module, batch: tuple[Tensor, Tensor]) -> float:
    return ZERO_COST[name](SPACE, digits).of(network, *batch)


def slopes(network: Small, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    return torch.autograd.grad(F.cross_entropy(network(x), y), (network.first.weight, network.last.weight))


def test_grad_norm_and_snip(digits: Task, batch: tuple[Tensor, Tensor]) -> None:
    network = Small()
    first, last = slopes(network, *batch)
    assert of("grad_norm", digits, Small(), batch) == pytest.approx(float(first.norm() + last.norm()))
    flows = (first * network.first.weight).abs().sum() + (last * network.last.weight).abs().sum()
    assert of("snip", digits, Small(), batch) == pytest.approx(float(flows.detach()))


def test_grasp_is_a_directional_derivative(digits: Task, batch: tuple[Tensor, Tensor]) -> None:
    """-W · Hg = -d/dε (W · ∇L(W + εg)), W outside held fixed."""
    step, values = 1e-5, []
    for sign in (1, -1):
        network = Small()
        weights = [network.first.weight, network.last.weight]
        still = [weight.detach().clone() for weight in weights]
        for weight, slope in zip(weights, slopes(network, *batch), strict=True):
            weight.data.add_(slope, alpha=sign * step)
        moved = slopes(network, *batch)
        values.append(sum(float((w * g).sum()) for w, g in zip(still, moved, strict=True)))
    assert of("grasp", digits, Small(), batch) == pytest.approx(-(values[0] - values[1]) / (2 * step), rel=1e-6)


def test_fisher_looks_at_what_layers_put_out(digits: Task, batch: tuple[Tensor, Tensor]) -> None:
    network, (x, y) = Small(), batch
    maps = network.first(x)
    logits = network.last(F.relu(network.norm(maps)).flatten(1))
    of_maps, of_logits = torch.autograd.grad(F.cross_entropy(logits, y), (maps, logits))
    channels = ((maps * of_maps).sum((2, 3)) ** 2).mean(0).sum() + ((logits * of_logits) ** 2).mean(0).sum()
    assert of("fisher", digits, Small(), batch) == pytest.approx(float(channels.detach()) / 2)


@pytest.mark.parametrize("norm", [nn.BatchNorm1d, nn.RMSNorm, MeanOnlyBatchNorm])
def test_synflow_of_a_chain_is_its_flow_for_every_layer(digits: Task, norm: type[nn.Module]) -> None:
    torch.manual_seed(0)
    chain = nn.Sequential(nn.Flatten(), nn.Linear(6, 5, bias=False), norm(5), nn.Linear(5, 3, bias=False))
    flow = float((chain[3].weight.abs() @ chain[1].weight.abs()).detach().sum())
    found = of("synflow", digits, chain, (torch.randn(4, 1, 2, 3), torch.zeros(4, dtype=torch.long)))
    assert found == pytest.approx(math.log1p(2 * flow))


class Named(nn.Module):
    """One normalisation layer under two names, and a buffer that is no number."""

    mask: Tensor

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(6, 5, bias=False), nn.Linear(5, 3, bias=False)
        self.norm = self.again = nn.BatchNorm1d(5)
        self.register_buffer("mask", torch.tensor([True, True, False]))

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.again(self.norm(self.first(x.flatten(1))))) * self.mask


def test_synflow_leaves_a_layer_out_under_all_its_names(digits: Task) -> None:
    network = Named()
    flow = float((network.last.weight.abs() @ network.first.weight.abs()).detach()[network.mask].sum())
    found = of("synflow", digits, network, (torch.randn(4, 1, 2, 3), torch.zeros(4, dtype=torch.long)))
    assert found == pytest.approx(math.log1p(2 * flow))


def test_nwot_counts_what_two_images_share(digits: Task) -> None:
    network = nn.Sequential(nn.Flatten(), nn.ReLU())
    images = torch.tensor([[1.0, 1, -1, -1], [1, -1, -1, -1], [-1, 1, 1, 1]]).view(3, 1, 2, 2)
    kernel = np.array([[4.0, 3, 1], [3, 4, 0], [1, 0, 4]])
    found = of("nwot", digits, network, (images, torch.zeros(3, dtype=torch.long)))
    assert found == pytest.approx(np.linalg.slogdet(kernel + 1e-3 * np.eye(3)).logabsdet)
    alike = of("nwot", digits, network, (images[:1].repeat(3, 1, 1, 1), torch.zeros(3, dtype=torch.long)))
    assert math.isfinite(alike)
    assert alike < found


def test_nwot_says_what_it_lacks(digits: Task) -> None:
    with pytest.raises(ValueError, match="rectifier modules"):
        of("nwot", digits, nn.Flatten(), (torch.zeros(2, 1, 2, 2), torch.zeros(2, dtype=torch.long)))


def test_jacov_prefers_images_that_are_told_apart(digits: Task, batch: tuple[Tensor, Tensor]) -> None:
    network, x = Small(), batch[0].clone().requires_grad_()
    (jacobian,) = torch.autograd.grad(network(x).sum(), x)
    values = np.linalg.eigvalsh(np.corrcoef(jacobian.flatten(1).numpy()))
    expected = -np.sum(np.log(values + 1e-5) + 1 / (values + 1e-5))
    found = of("jacov", digits, Small(), batch)
    assert found == pytest.approx(expected, rel=1e-6)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).double()  # one gradient for all images
    assert of("jacov", digits, linear, batch) < found


class SeesSome(nn.Module):
    """Lets an image through where its first pixel is positive."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first, self.last = nn.Linear(64, 32), nn.Linear(32, 10)
        self.double()

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.first(x.flatten(1) * (x[:, :, 0, 0] > 0))))


def test_jacov_takes_constant_gradients_for_equal_ones(digits: Task, batch: tuple[Tensor, Tensor]) -> None:
    images = batch[0]
    seen = images[:, 0, 0, 0] > 0
    assert 2 <= int(seen.sum()) <= 10
    x = images[seen].requires_grad_()
    (jacobian,) = torch.autograd.grad(SeesSome()(x).sum(), x)
    values = np.linalg.eigvalsh(np.corrcoef(jacobian.flatten(1).numpy()))
    values = np.concatenate([values, [float((~seen).sum())], np.zeros(int((~seen).sum()) - 1)])
    expected = -np.sum(np.log(values + 1e-5) + 1 / (values + 1e-5))
    assert of("jacov", digits, SeesSome(), batch) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", ZERO_COST)
@pytest.mark.parametrize(
    "cell",
    [
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
        "|none~0|+|none~0|nor_conv_3x3~1|+|none~0|skip_connect~1|nor_conv_1x1~2|",
        "|nor_conv_3x3~0|+|avg_pool_3x3~0|skip_connect~1|+|none~0|none~1|none~2|",
    ],
)
def test_a_cell_that_cuts_its_input_off_has_a_low_score(digits: Task, name: str, cell: str) -> None:
    space = NasBench201Reduced()
    found = [space.read(cell), *space.sample_many(4, 3)]
    scores = [ZERO_COST[name](space, digits).score(one, 0).value for one in found]
    assert math.isfinite(scores[0])
    assert scores[0] < min(scores[1:])
    if name == "jacov":  # a batch of 64 that is fully correlated
        least = -(math.log(64 + 1e-5) + 1 / (64 + 1e-5) + 63 * (math.log(1e-5) + 1e5))
        assert scores[0] == pytest.approx(least, rel=1e-6)


def test_zico_compares_two_batches(digits: Task, batch: tuple[Tensor, Tensor]) -> None:
    network, (x, y) = Small(), batch
    halves = [slopes(network, x[:6], y[:6]), slopes(network, x[6:], y[6:])]
    expected = 0.0
    for one, other in zip(*halves, strict=True):
        pair = np.stack([one.numpy(), other.numpy()])
        spread = pair.std(axis=0)
        expected += math.log((np.abs(pair).mean(axis=0)[spread > 0] / spread[spread > 0]).sum())
    assert of("zico", digits, Small(), batch) == pytest.approx(expected)


@pytest.mark.parametrize("name", ZERO_COST)
def test_every_kind_of_network_gets_a_finite_score(digits: Task, name: str) -> None:
    proxy = ZERO_COST[name](SPACE, digits)
    state = torch.random.get_rng_state()
    values = [proxy.score(architecture, 0).value for architecture in SPACE.sample_many(6, 2)]
    assert all(math.isfinite(value) for value in values)
    assert len(set(values)) == 6
    assert torch.equal(torch.random.get_rng_state(), state)
