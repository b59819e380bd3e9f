"""The one ledger: an Optuna study whose trials carry scores, costs and fingerprints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from gtn_nas.errors import UserError
from gtn_nas.proxy import Proxy
from gtn_nas.search.evaluator import Evaluation
from gtn_nas.space import Architecture, SearchSpace

__all__ = [
    "architecture_of",
    "best_trials",
    "known_scores",
    "note_evaluation",
    "open_study",
    "record_verified",
    "settled_trials",
    "trial_rows",
    "verified_rows",
    "winner_first",
]


def open_study(
    storage: str | None, name: str, proxy: Proxy, seeds: int, sampler: optuna.samplers.BaseSampler
) -> optuna.Study:
    """Create the study, or take up the one that is there.

    Raises:
        UserError: the storage cannot be opened, or the study was made with another space, task, proxy or
            number of seeds.
    """
    try:
        study = optuna.create_study(
            storage=storage, study_name=name, direction="maximize", sampler=sampler, load_if_exists=True
        )
    except Exception as error:  # SQLAlchemy and every database driver raise their own
        reason = str(error).splitlines()[0]
        raise UserError(f"cannot open storage {storage!r} ({reason}); give a URL such as sqlite:///nas.db.") from error
    mine: dict[str, Any] = {
        "space": proxy.space.name,
        "space_fingerprint": proxy.space.fingerprint,
        "task": proxy.task.name,
        "task_fingerprint": proxy.task.fingerprint,
        "proxy": proxy.name,
        "proxy_fingerprint": proxy.fingerprint,
        "seeds": seeds,
    }
    theirs = study.user_attrs
    for field, value in mine.items():
        if field in theirs and theirs[field] != value:
            raise UserError(
                f"study {name!r} was made with {field} {theirs[field]!r}, but this search has {value!r}; "
                "give another --study name, or the same settings."
            )
        if field not in theirs:
            study.set_user_attr(field, value)
    return study


def known_scores(study: optuna.Study) -> dict[str, FrozenTrial]:
    """Return the scored architectures of the study: key → trial, so that none is scored twice."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return {trial.user_attrs["key"]: trial for trial in done if "key" in trial.user_attrs}


def note_evaluation(trial: optuna.Trial, key: str, evaluation: Evaluation) -> None:
    """Write what was measured onto the running trial."""
    trial.set_user_attr("key", key)
    trial.set_user_attr("scores", list(evaluation.scores))
    trial.set_user_attr("params", evaluation.params)
    trial.set_user_attr("flops", evaluation.flops)
    trial.set_user_attr("seconds", evaluation.seconds)


def best_trials(study: optuna.Study, count: int) -> list[FrozenTrial]:
    """Return the ``count`` best different architectures, best first (the smaller one first at equal scores)."""
    scored = known_scores(study).values()
    return sorted(scored, key=lambda trial: (-float(trial.value or 0.0), trial.user_attrs["params"]))[:count]


def architecture_of(trial: FrozenTrial, space: SearchSpace) -> Architecture:
    """Return the trial's architecture."""
    return space.validate(trial.params)


def settled_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that were scored, or failed for a reason of their own: an interrupted one has none."""
    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.FAIL))
    return [trial for trial in ended if trial.state is TrialState.COMPLETE or "reason" in trial.user_attrs]


def trial_rows(study: optuna.Study) -> list[dict[str, Any]]:
    """Return one plain row per settled trial."""
    return [
        {
            "number": trial.number,
            "state": trial.state.name,
            "value": trial.value,
            "seconds": trial.user_attrs.get("seconds"),
            "params": trial.user_attrs.get("params"),
            "flops": trial.user_attrs.get("flops"),
            "reason": trial.user_attrs.get("reason"),
            "architecture": dict(trial.params),
        }
        for trial in settled_trials(study)
    ]


def record_verified(study: optuna.Study, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store the real trainings with the study."""
    study.set_user_attr("verified", [dict(row) for row in rows])


def verified_rows(study: optuna.Study) -> list[dict[str, Any]]:
    """Return what :func:`record_verified` stored, the best validation accuracy first."""
    return sorted(study.user_attrs.get("verified", []), key=winner_first)


def winner_first(row: Mapping[str, Any]) -> tuple[float, int]:
    """Order really trained candidates: best validation accuracy, then fewest parameters."""
    return -float(row["validation_accuracy"]), int(row["params"])
