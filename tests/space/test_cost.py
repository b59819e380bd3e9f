"""FLOPs are PyTorch's own count, whatever a network is made of."""

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
    """Attention and recurrence: operations that PyTorch puts together from others."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.recurrence = nn.LSTM(16, 8, batch_first=True)
        self.up = nn.ConvTranspose2d(1, 2, 2)

    def forward(self, images: Tensor) -> Tensor:
        states, _ = self.recurrence(self.attention(images.flatten(1).view(len(images), -1, 16)))
        return torch.cat([states[:, -1], self.up(images).flatten(1)], 1)


def test_flops_of_operations_made_of_others() -> None:
    found = count_cost(Attentive, (1, 8, 8)).flops
    assert found == counted_by_pytorch(Attentive(), (1, 8, 8)) > 0


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
