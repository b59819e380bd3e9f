"""What a network costs: parameters, and operations for one image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from gtn_nas.seeding import seeded
from gtn_nas.space.formulas import MORE_FORMULAS

__all__ = ["Cost", "count_cost"]

_LARGEST_LAYER = 2**30  # numbers it may put out: no more than params × pixels where a channel has a parameter at least


@dataclass(frozen=True)
class Cost:
    """Trainable parameters, and FLOPs (2 per multiply-add) of one image's forward pass."""

    params: int
    flops: int


def count_cost(build: Callable[[], nn.Module], image_shape: tuple[int, int, int]) -> Cost:
    """Count what the network that ``build`` returns costs for an image ``[C, H, W]``.

    A real forward pass is several times as quick to count as one on the meta device, which allocates nothing
    and is kept for networks that may not fit into memory. Global generators are left as they were.

    Raises:
        Exception: whatever the builder or the network raises.
    """
    _, height, width = image_shape
    with seeded(0):
        try:
            with _at_most(_LARGEST_LAYER // (height * width)):
                return _count(build, image_shape, "cpu")
        except RuntimeError as fault:  # too large, no memory, or the network's own
            try:
                return _count(build, image_shape, "meta")
            except Exception:
                raise fault from None


def _count(build: Callable[[], nn.Module], image_shape: tuple[int, int, int], device: str) -> Cost:
    # A device's context puts itself before every call of torch: building takes half as long without.
    with nullcontext() if torch.get_default_device().type == device else torch.device(device):
        network = build().eval()
        image = torch.zeros(1, *image_shape)
        with _Counter() as counter, _attention_in_parts(), torch.no_grad():
            network(image)
    params = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    return Cost(params=params, flops=counter.flops)


class _Counter(TorchDispatchMode):
    """Adds up PyTorch's own formulas, and ours where it has none.

    ``FlopCounterMode`` does so for every module as well, takes twice as long, and imports PyTorch's compiler, which
    takes seconds.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # telling the compiler to keep away is what imports it

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        operator = func._overloadpacket
        formula = flop_registry.get(operator) or MORE_FORMULAS.get(operator)
        if formula is not None:
            self.flops += formula(*args, **kwargs, out_val=out)
        return out


@contextmanager
def _attention_in_parts() -> Iterator[None]:
    """Keep attention and transformer layers from the one operator that they become where nothing is to be learned."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


@contextmanager
def _at_most(count: int) -> Iterator[None]:
    """Raise RuntimeError when networks get more parameters than ``count``, before their memory is written to."""
    total = 0

    def add(module: nn.Module, name: str, parameter: nn.Parameter) -> None:
        nonlocal total
        total += 0 if is_lazy(parameter) else parameter.numel()
        if total > count:
            raise RuntimeError(f"with more than {count} parameters a network must run on the meta device to be counted")

    handle = register_module_parameter_registration_hook(add)
    try:
        yield
    finally:
        handle.remove()
