"""Several proxies as one: the sum of a candidate's ranks, held against a sample of the space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import rankdata

from gtn_nas.errors import UserError
from gtn_nas.fingerprint import fingerprint
from gtn_nas.proxy.base import Proxy, See
from gtn_nas.proxy.terms import proxies_in, terms_of
from gtn_nas.space import Architecture

__all__ = ["REFERENCE", "RankSum", "normal_score"]

REFERENCE, _REFERENCE_SEED = 32, 2**31 - 2  # architectures that ranks are counted among, and what draws them
_LEAST = 8  # of them that must have a score
Values = npt.NDArray[np.float64]


class RankSum(Proxy):
    """Score: the mean over terms of a candidate's normal score among 32 random architectures of the space.

    A sum of ranks needs no common scale (Abdelfattah et al., 2021, combine proxies by vote). A search meets its
    candidates one by one, so that ranks are counted among a fixed sample, which is scored before the first candidate.
    Other readings: every term's own value.

    Args:
        name: the terms, such as ``gtn.loss+flops``.
        proxies: what the terms take, by name.

    Raises:
        UserError: a term asks for a reading that its proxy does not have; by :meth:`prepare`: too many of the sample
            cannot be scored.
    """

    def __init__(self, name: str, proxies: Mapping[str, Proxy]) -> None:
        one = next(iter(proxies.values()))
        super().__init__(one.space, one.task)
        self.name = name
        self.proxies = {proxy: proxies[proxy] for proxy in proxies_in(name)}
        for proxy, reading in terms_of(name):
            self.proxies[proxy].check_reading(reading)
        self.readings = tuple(map(_term, terms_of(name)))
        self.seeded = any(proxy.seeded for proxy in self.proxies.values())

    @property
    def fingerprint(self) -> str:
        """Hash of the terms, the proxies' fingerprints and what the sample is drawn with."""
        members = [(name, proxy.fingerprint) for name, proxy in self.proxies.items()]
        drawn = (self.space.fingerprint, REFERENCE, _REFERENCE_SEED)
        return fingerprint(repr((terms_of(self.name), members, drawn)))

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        """Measure by every proxy, and rank."""
        return self._ranked(self._values(architecture, seed))

    def watched(self, architecture: Architecture, seed: int, see: See) -> tuple[float, dict[str, float]]:
        """Measure, and show the accuracy in the first proxy's lesson that there is."""
        return self._ranked(self._values(architecture, seed, see))

    def attacked(self) -> Proxy:
        """Refuse: its terms may each train a network of their own, or none.

        Raises:
            UserError: always.
        """
        raise UserError(
            f"{self.name} is a rank, of no one network that could be attacked; search for fgsm_accuracy by a single "
            "proxy that trains, such as gtn or real_steps."
        )

    def prepare(self) -> None:
        """Score the sample."""
        _ = self.reference

    @cached_property
    def reference(self) -> dict[str, Values]:
        """Every term's values of the sample, those that are not finite left out; measured at the first use."""
        sample = self.space.sample_up_to(REFERENCE, _REFERENCE_SEED)
        found, faults = [], []
        for architecture in sample:
            try:
                values = self._values(architecture, 0)
            except UserError:
                raise
            except Exception as error:  # a third party's network may raise anything
                faults.append(f"{type(error).__name__}: {error}")
                continue
            if np.isfinite(list(values.values())).all():
                found.append(values)
            else:
                faults.append(f"score is not finite: {values}")
        if len(found) < min(_LEAST, len(sample)):
            raise UserError(
                f"{self.name} ranks among {len(sample)} random architectures, but only {len(found)} of them have a "
                f"score (first reason: {faults[0]}); repair the space, or search by another proxy."
            )
        return {name: np.array([values[name] for values in found]) for name in found[0]}

    def _ranked(self, values: dict[str, float]) -> tuple[float, dict[str, float]]:
        places = [normal_score(values[name], known) for name, known in self.reference.items()]
        return float(np.mean(places)), values

    def _values(self, architecture: Architecture, seed: int, see: See | None = None) -> dict[str, float]:
        shown = next((name for name, proxy in self.proxies.items() if proxy.steps is not None), None)
        measured = {
            name: proxy.measure(architecture, seed)
            if see is None or name != shown
            else proxy.watched(architecture, seed, see)
            for name, proxy in self.proxies.items()
        }
        found = {}
        for proxy, reading in terms_of(self.name):
            value, readings = measured[proxy]
            found[_term((proxy, reading))] = value if reading is None else readings[reading]
        return found


def _term(term: tuple[str, str | None]) -> str:
    proxy, reading = term
    return proxy if reading is None else f"{proxy}.{reading}"


def normal_score(value: float, sample: Sequence[float] | Values) -> float:
    """Return the normal quantile of ``value``'s rank in ``sample`` (Blom, 1958), interpolated.

    Beyond the sample's ends it goes on in a straight line from the middle through the end, so that those who are
    better than all of it still differ. 0 where the sample is constant.
    """
    known = np.asarray(sample, dtype=np.float64)
    points, first = np.unique(known, return_index=True)
    if len(points) < 2:
        return 0.0
    quantiles = ndtri((rankdata(known)[first] - 0.375) / (len(known) + 0.25))
    if points[0] <= value <= points[-1]:
        return float(np.interp(value, points, quantiles))
    end, inner = (0, max(1, len(points) // 2)) if value < points[0] else (-1, min(len(points) // 2, len(points) - 2))
    slope = (quantiles[end] - quantiles[inner]) / (points[end] - points[inner])
    return float(quantiles[end] + slope * (value - points[end]))
