"""The trained network as weights and a card that says what they belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from gtn_nas.errors import UserError
from gtn_nas.files import write_atomically
from gtn_nas.space import load_space

__all__ = ["CARD", "WEIGHTS", "SavedModel", "load_model", "save_model"]

WEIGHTS = "model.safetensors"
CARD = "model.json"
_FORMAT = 1


@dataclass(frozen=True)
class _Shape:
    """What a space may know of the task that it builds for."""

    image_shape: tuple[int, int, int]
    classes: int


class _FromPixels(nn.Module):
    """Normalises images of pixels from 0 to 1 as the task does, then asks the network."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network((images - self.mean) / self.std)
        return logits


@dataclass(frozen=True)
class SavedModel:
    """A trained network, in evaluation mode, for normalised images, with its card."""

    network: nn.Module
    card: Mapping[str, Any]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        channels, height, width = self.card["image_shape"]
        return channels, height, width

    def from_pixels(self) -> nn.Module:
        """Return the network for images ``[B, C, H, W]`` as they come: pixels from 0 to 1."""
        mean, std = (torch.tensor(self.card[name]).view(1, -1, 1, 1) for name in ("pixel_mean", "pixel_std"))
        return _FromPixels(self.network, mean, std).eval()


def save_model(model: SavedModel, folder: Path) -> None:
    """Write ``model.safetensors`` and ``model.json`` into ``folder``, the card last."""
    weights = {  # copies: a file holds no tensor twice, and a network may hold one in two places
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in model.network.state_dict().items()
    }
    write_atomically(folder / WEIGHTS, save(weights))
    write_atomically(folder / CARD, json.dumps({"format": _FORMAT, **model.card}, indent=1))


def load_model(folder: Path) -> SavedModel:
    """Build the card's architecture and load its weights, on the CPU.

    Raises:
        UserError: no model is there, its files are damaged, or its space is not what it was.
    """
    if not (folder / CARD).is_file():
        raise UserError(f"no model in {folder} ({CARD} is missing); train one with gtn-nas train-best --out.")
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        source, architecture = card["space_source"], card["architecture"]
        shape = _Shape(tuple(card["image_shape"]), card["classes"])
        weights = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the model in {folder} is damaged ({error}); train it again with gtn-nas train-best."
        ) from error
    space = load_space(source)
    if space.fingerprint != card["space_fingerprint"]:
        raise UserError(
            f"the model in {folder} was built by space {card['space']!r} (fingerprint {card['space_fingerprint']}), "
            f"which is now another ({space.fingerprint}); install the version it was made with."
        )
    network = space.build(space.validate(architecture), shape)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"the weights in {folder} do not fit its card ({reason}); train it again.") from error
    return SavedModel(network.eval(), card)
