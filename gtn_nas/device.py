"""Where tensors live, how many threads work on them, and with which versions."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

import torch

from gtn_nas.errors import UserError

__all__ = ["describe_hardware", "describe_versions", "pick_device", "set_threads"]


def pick_device(name: str = "auto") -> torch.device:
    """Return the device called ``name``; ``auto`` is CUDA when it is there, the CPU otherwise.

    Raises:
        UserError: the name is not a device, or the device is not on this machine or cannot compute.
    """
    if name == "auto" and not torch.cuda.is_available():
        return torch.device("cpu")
    if name in ("auto", "cuda") and torch.cuda.is_available():
        mine = int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count()  # torchrun: a process a device
        torch.cuda.set_device(mine)
        return torch.device("cuda", mine)
    try:
        device = torch.device(name)
        torch.ones((), device=device).item()  # of meta tensors there are only shapes
    except (RuntimeError, AssertionError, ImportError) as error:  # AssertionError: torch was built without it
        raise UserError(f"device {name!r} is not available here; use auto, cpu or cuda.") from error
    return device


def set_threads(count: int | None) -> int:
    """Set the number of threads PyTorch computes with (None leaves it) and return the number in force."""
    if count is not None:
        if count < 1:
            raise UserError(f"threads must be at least 1, but got {count}.")
        torch.set_num_threads(count)
    return torch.get_num_threads()


def describe_hardware(device: torch.device) -> dict[str, str | int]:
    """Return what a reader needs to compare timings: processor, cores, threads, accelerator."""
    facts: dict[str, str | int] = {
        "machine": platform.machine(),
        "processor": _processor_name(),
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "device": str(device),
    }
    if device.type == "cuda":
        facts["accelerator"] = torch.cuda.get_device_name(device)
    return facts


def describe_versions() -> dict[str, str]:
    """Return the versions that a result depends on: of this package, PyTorch and Python."""
    return {"gtn-nas": version("gtn-nas"), "torch": torch.__version__, "python": platform.python_version()}


def _processor_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"
