"""Search with Optuna's samplers, by ask and tell."""

from __future__ import annotations

from collections.abc import Callable

import optuna
from optuna.trial import TrialState

from gtn_nas.errors import UserError
from gtn_nas.proxy import Proxy
from gtn_nas.search.evaluator import CandidateFailed, Evaluation, evaluate
from gtn_nas.search.ledger import known_scores, note_evaluation, settled_trials

__all__ = ["SAMPLERS", "make_sampler", "search"]

SAMPLERS: dict[str, Callable[[int], optuna.samplers.BaseSampler]] = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}

OnTrial = Callable[[optuna.trial.FrozenTrial], None]


def make_sampler(name: str, seed: int) -> optuna.samplers.BaseSampler:
    """Return the sampler called ``name``.

    Raises:
        UserError: there is none of that name.
    """
    if name not in SAMPLERS:
        raise UserError(f"unknown sampler {name!r}; use one of {', '.join(SAMPLERS)}.")
    return SAMPLERS[name](seed)


def search(study: optuna.Study, proxy: Proxy, trials: int, seeds: int, on_trial: OnTrial | None = None) -> None:
    """Score candidates until the study holds ``trials`` settled trials.

    ``trials`` counts for the study, so that a search that was stopped goes on where it was. A candidate that
    was scored before gets its known score; one that fails becomes a failed trial with its reason.
    """
    _close_abandoned(study)
    known = known_scores(study)
    finished = len(settled_trials(study))
    if finished:
        study.sampler.reseed_rng()  # the same seed again would propose the same candidates again
    for _ in range(trials - finished):
        trial = study.ask(fixed_distributions=dict(proxy.space.parameters))
        try:
            architecture = proxy.space.validate(trial.params)
            key = proxy.space.key(architecture)
            if key in known:
                before = known[key]
                again = {name: before.user_attrs[name] for name in ("params", "flops")}
                value = float(before.value or 0.0)
                evaluation = Evaluation(value, tuple(before.user_attrs["scores"]), seconds=0.0, **again)
            else:
                evaluation = evaluate(proxy, architecture, seeds)
            note_evaluation(trial, key, evaluation)
            told = study.tell(trial, evaluation.value)
            known.setdefault(key, told)
        except CandidateFailed as failure:
            trial.set_user_attr("reason", str(failure))
            told = study.tell(trial, state=TrialState.FAIL)
        except BaseException:
            study.tell(trial, state=TrialState.FAIL)
            raise
        if on_trial is not None:
            on_trial(told)


def _close_abandoned(study: optuna.Study) -> None:
    """Mark trials that a killed search left running as failed; one search at a time may use a study."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
