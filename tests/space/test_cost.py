"""FLOPs are PyTorch's own count, and more where it overlooks what is multiplied."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from gtn_nas.space import load_space
from gtn_nas.space.cost import count_cost
from gtn_nas.task import Task


def counted_by_pytorch(network: nn.Module, shape: tuple[int, int, int]) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.zeros(1, *shape))
    return int(counter.get_total_flops())


@pytest.mark.parametrize("name", ["cnn_small", "nasbench201_reduced", "nao_micro_reduced", "published"])
def test_flops_are_pytorchs(digits: Task, name: str) -> None:
    space = load_space(name)
    for architecture in space.sample_many(4, 0):
        found = space.cost(architecture, digits).flops
        assert found == counted_by_pytorch(space.build(architecture, digits), digits.image_shape) > 0


class Attentive(nn.Module):
    """Attention and recurrence: operations that PyTorch puts together from others, or does in one on a CPU."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.recurrence = nn.LSTM(16, 8, num_layers=2, bidirectional=True, batch_first=True)
        self.up = nn.ConvTranspose2d(1, 2, 2)

    def forward(self, images: Tensor) -> Tensor:
        words = self.encoder(images.flatten(1).view(len(images), -1, 16))
        for told in (True, False):
            words = self.attention(words, words, words, need_weights=told)[0]
        words = words + nn.functional.scaled_dot_product_attention(words[:, None], words[:, None], words[:, None])[:, 0]
        return torch.cat([self.recurrence(words)[0][:, -1], self.up(images).flatten(1)], 1)


@pytest.fixture(params=[2**30, 64], ids=["in memory", "on the meta device"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gtn_nas.space.cost._LARGEST_LAYER", request.param)


@pytest.mark.usefixtures("place")
def test_flops_of_operations_made_of_others() -> None:
    fast = torch.backends.mha.get_fastpath_enabled()
    with torch.device("meta"):  # which has no operators of its own: PyTorch's formulas see all that is multiplied
        expected = counted_by_pytorch(Attentive(), (1, 8, 8))
    assert count_cost(Attentive, (1, 8, 8)).flops == expected > 0
    assert torch.backends.mha.get_fastpath_enabled() == fast


class Both(nn.Module):
    """``x'Wx``, one matrix W for each of four outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.form = nn.Bilinear(64, 64, 4)

    def forward(self, images: Tensor) -> Tensor:
        return self.form(images.flatten(1), images.flatten(1))


@pytest.mark.usefixtures("place")
def test_flops_of_a_bilinear_form() -> None:
    """PyTorch has no formula for it."""
    assert count_cost(Both, (1, 8, 8)).flops == 2 * 4 * (64 * 64 + 64)


def test_counting_imports_no_compiler() -> None:
    """It takes seconds, in every process of a search."""
    script = """
import sys
from torch import nn
from gtn_nas.space.cost import count_cost
count_cost(lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.LazyLinear(2)), (1, 8, 8))
sys.exit("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
