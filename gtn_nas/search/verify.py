"""The second stage of a search: the best candidates, trained on real data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from gtn_nas.proxy import Proxy
from gtn_nas.search.budget import Budget
from gtn_nas.search.evaluator import CandidateFailed, its_own_fault
from gtn_nas.search.ledger import architecture_of, record_verified, verified_rows, winner_first
from gtn_nas.training import Recipe, steps_per_epoch, train_architecture

__all__ = ["verified_by", "verify"]


def verified_by(study: optuna.Study, recipe: Recipe, seed: int = 0) -> list[dict[str, Any]]:
    """Return the study's real trainings with this recipe and seed, winner first."""
    return [row for row in verified_rows(study) if (row["recipe"], row["seed"]) == (recipe.fingerprint, seed)]


def verify(
    study: optuna.Study,
    proxy: Proxy,
    trials: Sequence[FrozenTrial],
    recipe: Recipe,
    seed: int = 0,
    on_verified: Callable[[dict[str, Any]], None] | None = None,
    budget: Budget | None = None,
    on_failure: Callable[[FrozenTrial, CandidateFailed], None] | None = None,
) -> list[dict[str, Any]]:
    """Train the candidates of ``trials`` for real and store the results with the study.

    The winner is chosen by validation accuracy; the test accuracies are only reported. A candidate that an
    earlier call verified with the same recipe and seed is not trained again; none is begun after the budget. One
    that cannot be trained has no row; ``on_failure`` is told. Returns rows, winner first.
    """
    rows: list[dict[str, Any]] = []
    for trial in trials:
        key = trial.user_attrs["key"]
        known = {row["key"]: row for row in verified_by(study, recipe, seed)}  # another search may verify, too
        if key not in known:
            if budget is not None and budget.spent:
                continue
            architecture = architecture_of(trial, proxy.space)
            try:
                with its_own_fault():
                    result = train_architecture(proxy.space, proxy.task, recipe, architecture, seed)
            except CandidateFailed as failure:
                if on_failure is not None:
                    on_failure(trial, failure)
                continue
            known[key] = {
                "key": key,
                "number": trial.number,
                "value": trial.values[0],
                "values": trial.values,
                "architecture": architecture,
                "params": result.params,
                "validation_accuracy": result.validation_accuracy,
                "test_accuracy": result.test_accuracy,
                "epochs": result.steps / steps_per_epoch(proxy.task, recipe),
                "seconds": result.seconds,
                "seed": seed,
                "recipe": recipe.fingerprint,
            }
            record_verified(study, [*verified_rows(study), known[key]])  # what was ever paid for stays
        rows.append(known[key])
        if on_verified is not None:
            on_verified(known[key])
    return sorted(rows, key=winner_first)
