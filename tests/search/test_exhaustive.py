"""Searches that try every architecture: each once, whatever interrupts or shares them."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from gtn_nas.proxy import Proxy
from gtn_nas.search import make_sampler, open_study, search, settled_trials
from gtn_nas.task import Task
from tests.search.sharing import QUICK, Asked, Few, killed, left_running, share

NAMES = ["grid", "brute_force"]
ALL = sorted(map(Few().key, Few().grid()))


@pytest.fixture
def storage(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'nas.db'}"


def opened(proxy: Proxy, storage: str, name: str = "grid", seed: int = 0) -> optuna.Study:
    return open_study(storage, "s", proxy, 1, make_sampler(name, seed, proxy.space))


def settled(study: optuna.Study) -> list[str]:
    return sorted(trial.user_attrs["key"] for trial in settled_trials(study))


@pytest.mark.parametrize("name", NAMES)
def test_interruptions_and_deaths_leave_none_out(digits: Task, storage: str, name: str) -> None:
    def interrupt() -> None:
        if len(proxy.asked) == 3:
            raise KeyboardInterrupt

    proxy = Asked(digits, interrupt)
    study = opened(proxy, storage, name)
    left_running(study, proxy, killed())
    with pytest.raises(KeyboardInterrupt):
        search(study, proxy, trials=20, seeds=1)
    search(study, proxy, trials=20, seeds=1)
    assert settled(study) == ALL


@pytest.mark.parametrize("trials", [12, 20])
def test_searches_that_share_a_study_hold_each_once(digits: Task, storage: str, trials: int) -> None:
    def interrupt() -> None:
        if sum(len(proxy.asked) for proxy in proxies) in (3, 8):
            raise KeyboardInterrupt

    proxies = [Asked(digits, interrupt) for _ in range(3)]
    studies = [opened(proxy, storage, seed=seed) for seed, proxy in enumerate(proxies)]
    share(studies, proxies, trials)
    assert settled(studies[0]) == ALL
    assert not studies[0].get_trials(states=(TrialState.RUNNING, TrialState.WAITING))


def test_what_was_asked_for_is_held_once(digits: Task, storage: str) -> None:
    proxy = Asked(digits)
    study = opened(proxy, storage)
    search(study, proxy, trials=2, seeds=1)
    for architecture in (study.trials[0].params, next(iter(proxy.space.grid()))):
        study.enqueue_trial(dict(architecture))
    search(study, proxy, trials=12, seeds=1)
    assert settled(study) == ALL
    assert sorted(proxy.asked) == ALL


def test_a_candidate_of_which_not_all_is_written_yet_disturbs_none(digits: Task, storage: str) -> None:
    proxy = Asked(digits)
    study = opened(proxy, storage)
    study.ask().suggest_categorical("width", (1, 2, 3, 4))
    search(study, proxy, trials=12, seeds=1, rhythm=QUICK)
    assert settled(study) == ALL
