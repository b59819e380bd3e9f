"""Scores of a truth table's architectures, kept with the study that is calibrated by them.

Scored again, with other threads or on another device, they would not be quite the same, nor what is expected by them.
"""

from __future__ import annotations

from collections.abc import Mapping

import optuna

from gtn_nas.proxy import Proxy
from gtn_nas.search.storage import open_storage

__all__ = ["keep_truth_scores", "kept_truth_scores"]

_ATTRIBUTE = "truth_scores"

TruthScores = dict[str, float | None]


def keep_truth_scores(study: optuna.Study, proxy: Proxy, scores: Mapping[str, float | None]) -> None:
    """Store scores by architecture's key, None where there is none, with the study, unless it has some.

    ``proxy``: what gave them, which the study's own proxy calibrates.
    """
    if _ATTRIBUTE not in study.user_attrs:
        study.set_user_attr(_ATTRIBUTE, {"proxy": proxy.fingerprint, "scores": dict(scores)})


def kept_truth_scores(storage: str | None, proxy: Proxy, seeds: int) -> TruthScores:
    """Return what the storage's studies keep of this proxy's scores from as many initialisations, the oldest's first.

    Raises:
        UserError: the storage cannot be opened.
    """
    if storage is None:
        return {}
    same = {"space_fingerprint": proxy.space.fingerprint, "task_fingerprint": proxy.task.fingerprint, "seeds": seeds}
    found: TruthScores = {}
    for study in optuna.get_all_study_summaries(storage=open_storage(storage), include_best_trial=False):
        kept = study.user_attrs.get(_ATTRIBUTE)
        mine = {name: study.user_attrs.get(name) for name in same} == same
        if kept is not None and mine and kept["proxy"] == proxy.fingerprint:
            found = {**kept["scores"], **found}
    return found
