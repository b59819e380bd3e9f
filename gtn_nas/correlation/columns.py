"""What a comparison shows side by side: proxies, their other readings, and rank-sums of both."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
from scipy.stats import rankdata

from gtn_nas.correlation.scoring import Scored
from gtn_nas.proxy import Proxy, proxies_in, terms_of

__all__ = ["RIVALS", "check_columns", "column", "proxies_of"]

RIVALS = (
    "gtn", "gtn.loss", "gtn.tse", "gtn+flops", "gtn.loss+flops", "gtn+synflow",
    "real_steps", "real_steps.tse", "real_subset",
    "synflow+jacov", "synflow", "nwot", "jacov", "snip", "grad_norm",
    "params", "flops", "random",
)  # fmt: skip


def proxies_of(columns: Iterable[str]) -> list[str]:
    """Return the proxies to score with, each once."""
    return list(dict.fromkeys(proxy for name in columns for proxy in proxies_in(name)))


def check_columns(columns: Iterable[str], proxies: Iterable[Proxy]) -> None:
    """Refuse a column that asks for a reading which its proxy does not have, before anything is scored.

    Raises:
        UserError: there is one.
    """
    known = {proxy.name: proxy for proxy in proxies}
    for proxy, reading in (term for name in columns for term in terms_of(name)):
        known[proxy].check_reading(reading)


def column(name: str, scored: Mapping[str, Scored]) -> Scored:
    """Return the values of ``proxy``, ``proxy.reading``, or the sum of ranks of several, ``first+second``.

    The sum of ranks needs no common scale (Abdelfattah et al., 2021, combine by vote; Krishnakumar et al., 2022,
    show that proxies complement one another). It costs what its different proxies cost together, and fails where
    one of them does.
    """
    terms = terms_of(name)
    found = [_values(scored[proxy], reading) for proxy, reading in terms]
    proxies = [scored[proxy] for proxy in dict.fromkeys(proxy for proxy, _ in terms)]
    failed = {index: reason for one in proxies for index, reason in one.failed.items()}
    values = found[0] if len(found) == 1 else np.sum([rankdata(part, nan_policy="omit") for part in found], axis=0)
    return Scored(
        values=np.array([math.nan if index in failed else value for index, value in enumerate(values)]),
        seconds=math.fsum(one.seconds for one in proxies),
        seeds=max(one.seeds for one in proxies),
        failed=failed,
        readings={},
    )


def _values(one: Scored, reading: str | None) -> np.ndarray:
    return one.values if reading is None else one.readings[reading]
