"""The limit of the layers whose second derivatives are written out."""

from __future__ import annotations

import torch

__all__ = ["refuse_third_derivatives"]


def refuse_third_derivatives() -> None:
    """Raise where a backward pass is asked for its graph: what is written out ends here, and autograd would be silent.

    Raises:
        RuntimeError: a graph of second derivatives is asked for.
    """
    if torch.is_grad_enabled():
        raise RuntimeError(
            "layers prepared for meta-gradients have no third derivatives; prepare the network with native=True."
        )
