"""The names of what can be compared and searched by: ``proxy``, ``proxy.reading``, or a sum of such terms."""

from __future__ import annotations

__all__ = ["proxies_in", "terms_of"]


def terms_of(name: str) -> list[tuple[str, str | None]]:
    """Return the (proxy, reading) of every term: ``gtn.loss+flops`` has (gtn, loss) and (flops, None)."""
    parts = (term.strip().partition(".") for term in name.split("+"))
    return [(proxy, reading or None) for proxy, _, reading in parts]


def proxies_in(name: str) -> list[str]:
    """Return the proxies that a name takes, each once."""
    return list(dict.fromkeys(proxy for proxy, _ in terms_of(name)))
