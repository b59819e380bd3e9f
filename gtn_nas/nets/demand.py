"""What a network's gradients are wanted for, as its layers are told."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Demand"]


@dataclass
class Demand:
    """What gradients are wanted for; shared by the layers of a network.

    ``graph``: whether a gradient may be taken with its graph; without, layers are PyTorch's own where those are
    quicker. With it, ``images``: whether the network's input gets a gradient as well; ``values``: whether the
    parameters' gradients are read; without them only their graph is sound, the numbers are arbitrary.
    """

    graph: bool = True
    images: bool = True
    values: bool = True
