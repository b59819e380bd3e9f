"""Another forward pass for a layer that stays what it is."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from torch import nn

__all__ = ["become"]


def become(layer: nn.Module, kind: type[nn.Module], **attributes: Any) -> None:
    """Give ``layer`` the methods of ``kind`` before its own, and more ``attributes``.

    It is changed in place and keeps parameters, attributes and hooks: whoever else holds it, in a list that PyTorch
    knows nothing of, say, sees the change.
    """
    layer.__class__ = _both(kind, type(layer))  # type: ignore[arg-type] # classes do have a hash
    layer.__dict__.update(attributes)


@lru_cache
def _both(kind: type[nn.Module], own: type[nn.Module]) -> type[nn.Module]:
    return type(own.__name__, (kind, own), {})
