"""How a measuring script hands its result over: one line of JSON, with hardware and versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from gtn_nas.device import describe_hardware, describe_versions

__all__ = ["hand_over"]


def hand_over(result: Mapping[str, Any], device: torch.device, append: Path | None) -> None:
    """Print ``result`` as a line, and append it to a file where one is given."""
    line = json.dumps({**result, "hardware": describe_hardware(device), "versions": describe_versions()})
    print(line, flush=True)
    if append is not None:
        with append.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
