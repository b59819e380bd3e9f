"""The second stage of a search: the best candidates, trained on real data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna

from gtn_nas.proxy import Proxy
from gtn_nas.search.ledger import architecture_of, best_trials, record_verified, verified_rows, winner_first
from gtn_nas.training import Recipe, train_architecture

__all__ = ["verify"]


def verify(
    study: optuna.Study,
    proxy: Proxy,
    count: int,
    recipe: Recipe,
    seed: int = 0,
    on_verified: Callable[[dict[str, Any]], None] | None = None,
) -> list[dict[str, Any]]:
    """Train the ``count`` best candidates for real and store the results with the study.

    The winner is chosen by validation accuracy; the test accuracies are only reported. A candidate that an
    earlier call verified with the same recipe and seed is not trained again. Returns rows, winner first.
    """
    stored = verified_rows(study)  # every training that was ever paid for stays with the study
    known = {row["key"]: row for row in stored if (row["recipe"], row["seed"]) == (recipe.fingerprint, seed)}
    rows: list[dict[str, Any]] = []
    for trial in best_trials(study, count):
        key = trial.user_attrs["key"]
        if key not in known:
            architecture = architecture_of(trial, proxy.space)
            result = train_architecture(proxy.space, proxy.task, recipe, architecture, seed)
            known[key] = {
                "key": key,
                "number": trial.number,
                "value": trial.values[0],
                "values": trial.values,
                "architecture": architecture,
                "params": result.params,
                "validation_accuracy": result.validation_accuracy,
                "test_accuracy": result.test_accuracy,
                "seconds": result.seconds,
                "seed": seed,
                "recipe": recipe.fingerprint,
            }
            stored.append(known[key])
            record_verified(study, stored)
        rows.append(known[key])
        if on_verified is not None:
            on_verified(known[key])
    return sorted(rows, key=winner_first)
