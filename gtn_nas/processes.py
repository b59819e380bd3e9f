"""One run in several processes, as ``torchrun`` starts them: who is here, and what they agree on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from gtn_nas.errors import UserError

__all__ = ["ALONE", "World", "join_processes"]

_PATIENCE = timedelta(minutes=5)  # a process that is silent for so long is taken for dead


@dataclass(frozen=True)
class World:
    """This process among those of the run; with ``size`` 1 nothing is exchanged."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes and prints."""
        return self.rank == 0

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace every tensor, in place, by its mean over all processes; one exchange in all.

        Raises:
            UserError: another process has ended.
        """
        parts = list(tensors)
        if self.size == 1 or not parts:
            return
        flat = torch.cat([part.reshape(-1) for part in parts])
        with _heard():
            dist.all_reduce(flat)
        for part, mean in zip(parts, (flat / self.size).split([part.numel() for part in parts]), strict=True):
            part.copy_(mean.view_as(part))

    def follow_leader(self, tensors: Iterable[Tensor]) -> None:
        """Replace every tensor, in place, by the leader's."""
        if self.size > 1:
            for tensor in tensors:
                with _heard():
                    dist.broadcast(tensor.detach(), src=0)

    def read_leaders(self, path: Path) -> bytes:
        """Return the content of the leader's file ``path``, which other hosts need not see (empty: no such file)."""
        content = path.read_bytes() if self.leads and path.is_file() else b""
        if self.size == 1:
            return content
        device = torch.device("cuda") if dist.get_backend() == "nccl" else torch.device("cpu")
        length = torch.tensor([len(content)], device=device)
        self.follow_leader([length])
        data = torch.zeros(int(length), dtype=torch.uint8, device=device)
        if self.leads and content:
            data.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
        self.follow_leader([data] if len(data) else [])
        return data.cpu().numpy().tobytes()


ALONE = World()


@contextmanager
def join_processes(device: torch.device) -> Iterator[World]:
    """Join the processes that ``torchrun`` started (by its environment variables), or be alone.

    Tensors on CUDA are exchanged by NCCL, others by gloo.

    Raises:
        UserError: the other processes do not answer.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    try:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise UserError(
            f"the {size} processes of this run cannot reach one another ({_first_line(error)}); start all of them "
            "by torchrun, with one address that every host can reach."
        ) from error
    try:
        yield World(dist.get_rank(), size)
    finally:
        dist.destroy_process_group()


@contextmanager
def _heard() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise UserError(
            f"another process of this run has ended or is silent ({_first_line(error)}); "
            "go on from the last checkpoint with --resume."
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
