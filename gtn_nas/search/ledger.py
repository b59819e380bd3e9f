"""The one ledger: an Optuna study whose trials carry scores, costs and fingerprints."""

from __future__ import annotations

import statistics
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from gtn_nas.errors import UserError
from gtn_nas.proxy import Proxy
from gtn_nas.search.evaluator import Evaluation
from gtn_nas.search.latency import Hardware
from gtn_nas.search.objectives import Goal
from gtn_nas.search.storage import existing_storage, open_storage, without_password
from gtn_nas.space import Architecture, SearchSpace

__all__ = [
    "Standing",
    "architecture_of",
    "best_trials",
    "evaluation_of",
    "is_settled",
    "known_evaluations",
    "load_study",
    "note_evaluation",
    "note_excess",
    "open_study",
    "ranked_by_score",
    "record_standings",
    "record_verified",
    "scored_trials",
    "settled_trials",
    "standings",
    "trial_rows",
    "verified_rows",
    "winner_first",
]


_RACE, _TIMED_ON = "race", "timed_on"
_OTHERS = {  # what differs where hashes do
    "space_fingerprint": "another version of its space, under the same name",
    "task_fingerprint": "other images of its data set: another --train-limit, another split, or other files",
    "proxy_fingerprint": "another teacher, or other settings of its proxy (recipe.*, what it is calibrated by)",
}
_SAME = ("space_fingerprint", "task_fingerprint", "proxy_fingerprint", "seeds")  # what a score depends on


def open_study(
    storage: str | None,
    name: str,
    proxy: Proxy,
    seeds: int,
    sampler: optuna.samplers.BaseSampler,
    goal: Goal | None = None,
    pruner: optuna.pruners.BasePruner | None = None,
) -> optuna.Study:
    """Create the study, or take up the one that is there.

    Args:
        storage: an Optuna storage's URL, None for one in memory.
        name: of the study.
        proxy: what scores candidates.
        seeds: initialisations of each.
        sampler: what proposes them.
        goal: objectives and limits; the proxy's score alone.
        pruner: what gives candidates up on the way; nothing does.

    Raises:
        UserError: the storage cannot be opened, or the study was made with another space, task, proxy,
            number of seeds, other objectives or limits.
    """
    goal = goal or Goal()
    study = optuna.create_study(
        storage=open_storage(storage),
        study_name=name,
        directions=goal.directions,
        sampler=sampler,
        pruner=pruner or optuna.pruners.NopPruner(),
        load_if_exists=True,
    )
    mine: dict[str, Any] = {
        "space": proxy.space.name,
        "task": proxy.task.name,
        "proxy": proxy.name,
        "seeds": seeds,
        "objectives": list(goal.names),
        "limits": asdict(goal.limits),
        "space_fingerprint": proxy.space.fingerprint,
        "task_fingerprint": proxy.task.fingerprint,
        "proxy_fingerprint": proxy.fingerprint,  # of all the rest, and so compared last
    }
    theirs = study.user_attrs
    for field, value in mine.items():
        if field in theirs and theirs[field] != value:
            differs = _OTHERS.get(field, f"{field} {theirs[field]!r}, but this search has {value!r}")
            raise UserError(f"study {name!r} was made with {differs}; give another --study name, or the same settings.")
        if field not in theirs:
            study.set_user_attr(field, value)
    sources = {"space_source": proxy.space.origin or proxy.space.name, "task_source": proxy.task.source}
    for field, where in {**sources, "train_limit": proxy.task.train_limit}.items():
        study.set_user_attr(field, where)  # where to find them again; they may have moved since
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # nothing but the dashboard's labels
        study.set_metric_names(list(goal.names))
    return study


def load_study(storage: str, name: str) -> optuna.Study:
    """Return a study that a search made.

    Raises:
        UserError: the storage is not there or cannot be opened, holds no such study, or a search did not make it.
    """
    opened = existing_storage(storage)
    known = optuna.get_all_study_names(storage=opened)
    if name not in known:
        raise UserError(
            f"storage {without_password(storage)!r} holds no study {name!r}; its studies are "
            f"{', '.join(known) or 'none'}."
        )
    study = optuna.load_study(study_name=name, storage=opened)
    if "task_source" not in study.user_attrs:
        raise UserError(f"study {name!r} was not made by this version of gtn-nas search; search anew.")
    return study


def scored_trials(study: optuna.Study) -> dict[str, FrozenTrial]:
    """Return the scored architectures of the study: key → trial."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return {trial.user_attrs["key"]: trial for trial in done if "key" in trial.user_attrs}


def known_evaluations(study: optuna.Study, here: Hardware) -> dict[str, Evaluation]:
    """Return what is known of architectures, by key, from every study of the storage with the same fingerprints.

    Latencies that were not measured ``here`` are left out.
    """
    found: dict[str, Evaluation] = {}
    same = {name: study.user_attrs.get(name) for name in _SAME}
    for summary in optuna.get_all_study_summaries(storage=study._storage, include_best_trial=False):
        if {name: summary.user_attrs.get(name) for name in _SAME} == same:
            other = optuna.load_study(study_name=summary.study_name, storage=study._storage)
            found |= {key: evaluation_of(trial, here) for key, trial in scored_trials(other).items()}
    return found


def note_evaluation(trial: optuna.Trial, evaluation: Evaluation, here: Hardware) -> None:
    """Write what was measured, the latency ``here``, onto the running trial, which has its key already."""
    trial.set_user_attr("scores", list(evaluation.scores))
    if evaluation.curve:
        trial.set_user_attr("curve", [list(point) for point in evaluation.curve])
    trial.set_user_attr("readings", dict(evaluation.readings))
    trial.set_user_attr("params", evaluation.params)
    trial.set_user_attr("flops", evaluation.flops)
    if evaluation.latency is not None:
        trial.set_user_attr("latency", evaluation.latency)
        trial.set_user_attr(_TIMED_ON, here)
    trial.set_user_attr("seconds", evaluation.seconds)
    note_excess(trial, evaluation.excess)


def note_excess(trial: optuna.Trial, excess: Mapping[str, float]) -> None:
    """Tell the sampler how far a candidate is beyond or within each limit; the dashboard reads the attribute."""
    for name, share in excess.items():
        trial.set_constraint(name, share)
    if excess:
        trial.set_user_attr("excess", dict(excess))


def evaluation_of(trial: FrozenTrial, here: Hardware | None = None) -> Evaluation:
    """Return what was measured of a scored trial; with ``here`` no latency that was measured on anything else."""
    noted = trial.user_attrs
    elsewhere = here is not None and noted.get(_TIMED_ON) != here
    return Evaluation(
        value=statistics.fmean(noted["scores"]),
        scores=tuple(noted["scores"]),
        params=noted["params"],
        flops=noted["flops"],
        seconds=0.0,  # it costs nothing again
        readings=noted.get("readings", {}),
        latency=None if elsewhere else noted.get("latency"),
        curve=tuple((step, accuracy) for step, accuracy in noted.get("curve", [])),
    )


def best_trials(study: optuna.Study, count: int) -> list[FrozenTrial]:
    """Return the ``count`` best different architectures, best first: by their last race, the others by score.

    A race says nothing of candidates that came after it, and then no longer counts.
    """
    ranked = ranked_by_score(study)
    race = study.user_attrs.get(_RACE)
    if race is not None and race["candidates"] == len(ranked):
        places = {key: place for place, key in enumerate(race["order"])}
        ranked.sort(key=lambda trial: places.get(trial.user_attrs["key"], len(places)))
    return ranked[:count]


def ranked_by_score(study: optuna.Study) -> list[FrozenTrial]:
    """Return the different architectures, the best score first (the smaller one first at equal scores).

    Of several objectives: the Pareto front, the best by the first objective first.
    """
    scored = scored_trials(study)
    front = {trial.number for trial in study.best_trials} if len(study.directions) > 1 else None
    sign = -1 if study.directions[0] is StudyDirection.MAXIMIZE else 1
    kept = [trial for trial in scored.values() if front is None or trial.number in front]
    return sorted(kept, key=lambda trial: (sign * trial.values[0], trial.user_attrs["params"]))


@dataclass(frozen=True)
class Standing:
    """What a race found of a candidate: its mean after none, one, two, … stages, and how many of them it passed.

    Each stage doubles the ``seeds``, the initialisations of its score.
    """

    means: Sequence[float]
    seeds: int
    stage: int = 0

    @property
    def value(self) -> float:
        """The mean over the most initialisations."""
        return self.means[-1]

    @property
    def initialisations(self) -> int:
        """How many these are."""
        return self.seeds_at(len(self.means) - 1)

    def seeds_at(self, stage: int) -> int:
        """Return the initialisations of the mean after a stage."""
        return self.seeds << stage


def standings(study: optuna.Study) -> dict[str, Standing]:
    """Return what races found, by the candidate's key; empty without one."""
    race = study.user_attrs.get(_RACE, {"standings": {}})
    return {key: Standing(**found) for key, found in race["standings"].items()}


def record_standings(study: optuna.Study, found: Mapping[str, Standing], entered: Sequence[FrozenTrial]) -> None:
    """Store what a race found so far with the study: who passed more stages is ahead, then the mean counts."""
    sign = -1 if study.direction is StudyDirection.MAXIMIZE else 1

    def place(trial: FrozenTrial) -> tuple[int, float, int]:
        one = found[trial.user_attrs["key"]]
        return -one.stage, sign * one.means[one.stage], trial.user_attrs["params"]

    race = {
        "candidates": len(scored_trials(study)),
        "order": [trial.user_attrs["key"] for trial in sorted(entered, key=place)],
        "standings": {key: asdict(one) for key, one in found.items()},
    }
    study.set_user_attr(_RACE, race)


def architecture_of(trial: FrozenTrial, space: SearchSpace) -> Architecture:
    """Return the trial's architecture."""
    return space.validate(trial.params)


def settled_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that were scored, cost too much, or failed for a reason: an interrupted one has none."""
    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL))
    return [trial for trial in ended if is_settled(trial)]


def is_settled(trial: FrozenTrial) -> bool:
    """Whether a trial counts as a candidate that was dealt with."""
    return trial.state is TrialState.COMPLETE or (trial.state.is_finished() and "reason" in trial.user_attrs)


def trial_rows(study: optuna.Study) -> list[dict[str, Any]]:
    """Return one plain row per settled trial."""
    return [
        {
            "number": trial.number,
            "state": trial.state.name,
            "value": trial.values[0] if trial.values else None,
            "values": trial.values,
            "seconds": trial.user_attrs.get("seconds"),
            "params": trial.user_attrs.get("params"),
            "flops": trial.user_attrs.get("flops"),
            "curve": trial.user_attrs.get("curve"),
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
