"""A study that several searches share: its size, its candidates, its dead."""

from __future__ import annotations

import copy
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import FrozenTrial, TrialState

from gtn_nas.errors import UserError
from gtn_nas.search import SAMPLERS, Rhythm, make_sampler, open_study, search, settled_trials, trial_rows
from gtn_nas.search.interrupts import deferred_interrupts
from gtn_nas.search.turns import DEATHS, Turns
from gtn_nas.search.worker import BEAT, WORKER, Worker
from gtn_nas.task import Task
from tests.search.sharing import QUICK, Asked, killed, left_running, open_with, share

STEADY = Rhythm(beat=0.05, patience=2.0, look=0.01)  # a busy machine may hold a beat back for half a second


@pytest.fixture
def storage(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'nas.db'}"


def elsewhere() -> Worker:
    return Worker("far", "another boot", 0, os.getpid())


def test_searches_that_share_a_study_meet_its_total_and_score_nothing_twice(digits: Task, storage: str) -> None:
    proxies = [Asked(digits) for _ in range(4)]
    studies = [open_with(proxy, storage) for proxy in proxies]

    share(studies, proxies, 40)
    assert len(settled_trials(studies[0])) == 40
    assert not studies[0].get_trials(states=(TrialState.RUNNING, TrialState.WAITING))
    asked = [key for proxy in proxies for key in proxy.asked]
    assert len(asked) == len(set(asked)) > 4
    assert sum(bool(proxy.asked) for proxy in proxies) > 1


def test_the_candidate_of_a_killed_search_is_tried_again(digits: Task, storage: str) -> None:
    proxy = Asked(digits)
    study = open_with(proxy, storage)
    lost = left_running(study, proxy, killed())
    search(study, proxy, trials=3, seeds=1)  # at the usual rhythm: a process that is gone needs no waiting for
    first = study.trials[1]
    assert (first.params, first.user_attrs[DEATHS]) == (lost.params, [0])
    assert study.trials[0].state is TrialState.FAIL
    assert len(settled_trials(study)) == 3


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "cmaes"])
def test_every_sampler_leaves_a_candidate_that_is_tried_again_as_it_was(digits: Task, storage: str, name: str) -> None:
    proxy = Asked(digits)
    study = open_study(storage, "s", proxy, 1, make_sampler(name, 0, proxy.space))
    lost = left_running(study, proxy, killed())
    search(study, proxy, trials=3, seeds=1)
    assert (study.trials[1].params, study.trials[1].user_attrs[DEATHS]) == (lost.params, [0])
    assert len(settled_trials(study)) == 3


def test_candidates_that_wait_in_the_study_are_taken_up(digits: Task, storage: str) -> None:
    proxy = Asked(digits)
    study = open_with(proxy, storage)
    search(study, proxy, trials=2, seeds=1)
    asked_for = [{"width": 4, "norm": norm} for norm in ("batch", "group")]
    for architecture in asked_for:
        study.enqueue_trial(architecture)
    search(study, proxy, trials=4, seeds=1)
    assert [trial.params for trial in study.trials[2:]] == asked_for
    assert len(settled_trials(study)) == 4


def test_what_waits_is_scored_once_however_many_take_it_up(digits: Task, storage: str) -> None:
    proxies = [Asked(digits) for _ in range(4)]
    studies = [open_with(proxy, storage, seed) for seed, proxy in enumerate(proxies)]
    everything = list(proxies[0].space.grid())
    for architecture in everything:
        studies[0].enqueue_trial(dict(architecture))
    share(studies, proxies, len(everything))
    asked = sorted(key for proxy in proxies for key in proxy.asked)
    assert asked == sorted(map(proxies[0].space.key, everything))


def test_what_waits_does_not_take_a_dead_searchs_place(digits: Task, storage: str) -> None:
    proxy = Asked(digits)
    study = open_with(proxy, storage)
    lost = left_running(study, proxy, killed())
    asked_for = {"width": 4, "norm": "batch"}
    study.enqueue_trial(asked_for)
    search(study, proxy, trials=3, seeds=1)
    _, waited, again, *_ = study.trials
    assert (waited.params, waited.user_attrs.get(DEATHS)) == (asked_for, None)
    assert (again.params, again.user_attrs[DEATHS]) == (lost.params, [lost.number])


def test_what_waits_stays_where_there_is_no_room(digits: Task, storage: str) -> None:
    """Another search is scoring the last one that the study is to hold; a larger study will want what waits."""
    waiting = threading.Event()

    def ask_for_more() -> None:
        if len(slow.asked) == 2:
            study.enqueue_trial({"width": 4, "norm": "batch"})
            waiting.set()
            time.sleep(0.3)

    slow = Asked(digits, ask_for_more)
    study, other = open_with(slow, storage), Asked(digits)
    thread = threading.Thread(target=lambda: search(study, slow, 2, 1, rhythm=STEADY))
    thread.start()
    waiting.wait()
    search(open_with(other, storage, 1), other, 2, 1, rhythm=STEADY)
    thread.join()
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 2 + [TrialState.WAITING]


def test_a_look_from_before_a_search_died_loses_nothing(
    digits: Task, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database reads a trial's parts one after the other, so that a look may lack what was written meanwhile."""
    proxy = Asked(digits)
    study = open_with(proxy, storage)
    lost = left_running(study, proxy, killed())
    read, looks = study.get_trials, []

    def early(*words: Any, **options: Any) -> list[FrozenTrial]:
        found = copy.deepcopy(read(*words, **options))
        if found[0].state is TrialState.RUNNING:
            found[0].params = {}
            found[0].user_attrs = {WORKER: found[0].user_attrs[WORKER]}
            looks.append(found)
        return found

    monkeypatch.setattr(study, "get_trials", early)
    search(study, proxy, trials=1, seeds=1)
    assert looks
    (again,) = settled_trials(study)
    assert (again.params, again.user_attrs[DEATHS]) == (lost.params, [lost.number])


def test_a_trial_waits_for_none_of_another_candidate(
    digits: Task, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Asked(digits)
    study = open_with(proxy, storage)
    turns = Turns(study, 3, proxy.space, Rhythm(look=0.01))
    lost = left_running(study, proxy, killed(), key="of another")
    trial = study.ask(fixed_distributions=dict(proxy.space.parameters))
    read, looks = study.get_trials, []

    def early(*words: Any, **options: Any) -> list[FrozenTrial]:
        found = copy.deepcopy(read(*words, **options))
        if not looks:
            del found[0].user_attrs["key"]  # once, as it was before the search wrote it and died
        looks.append(found)
        return found

    monkeypatch.setattr(study, "get_trials", early)
    assert turns.settle_on(trial, "mine") is None
    assert len(looks) == 2
    assert study._storage.get_trial(lost._trial_id).state is TrialState.RUNNING  # for whoever tries it again


@pytest.mark.parametrize("worker", [elsewhere(), Worker.here(), None])
def test_a_silent_search_is_taken_for_dead(digits: Task, storage: str, worker: Worker | None) -> None:
    proxy = Asked(digits)
    study = open_with(proxy, storage)
    left_running(study, proxy, worker)
    search(study, proxy, trials=3, seeds=1, rhythm=QUICK)
    assert study.trials[0].state is TrialState.FAIL
    assert len(settled_trials(study)) == 3


def test_a_search_that_gives_signs_of_life_keeps_its_trial(digits: Task, storage: str) -> None:
    slow = Asked(digits, lambda: time.sleep(2 * STEADY.patience))
    study, other = open_with(slow, storage), Asked(digits)
    thread = threading.Thread(target=lambda: search(study, slow, 1, 1, rhythm=STEADY))
    thread.start()
    while not slow.asked:
        time.sleep(0.01)
    search(open_with(other, storage, 1), other, 1, 1, rhythm=STEADY)
    thread.join()
    assert other.asked == []
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE]


def test_a_candidate_that_kills_its_searches_is_given_up(digits: Task, storage: str) -> None:
    proxy = Asked(digits)
    study = open_with(proxy, storage)
    left_running(study, proxy, killed(), **{DEATHS: [7, 8]})
    search(study, proxy, trials=1, seeds=1)
    (row,) = trial_rows(study)
    assert (row["state"], proxy.asked) == ("FAIL", [])
    assert "was killed, 3 times in all" in row["reason"]


def test_a_search_that_was_taken_for_dead_goes_on_with_another_candidate(digits: Task, storage: str) -> None:
    def take_away() -> None:
        if len(proxy.asked) == 1:
            study._storage.set_trial_state_values(study.trials[0]._trial_id, TrialState.FAIL)

    proxy = Asked(digits, take_away)
    study = open_with(proxy, storage)
    search(study, proxy, trials=2, seeds=1)
    assert [trial.state.name for trial in study.trials] == ["FAIL", "COMPLETE", "COMPLETE"]


def test_two_hosts_on_one_sqlite_file_are_refused(digits: Task, storage: str) -> None:
    def beat() -> None:
        study._storage.set_trial_user_attr(lost._trial_id, BEAT, len(proxy.asked))

    proxy = Asked(digits, beat)
    study = open_with(proxy, storage)
    lost = left_running(study, proxy, elsewhere(), key="of none here")  # or its own candidate would wait for it
    with pytest.raises(UserError, match=r"host 'far' works on the same SQLite file.* postgresql://"):
        search(study, proxy, trials=12, seeds=1)
    assert len(settled_trials(study)) < 12


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell's background jobs begin with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_waits_for_what_was_begun() -> None:
    done = []

    def begin() -> None:
        with deferred_interrupts():
            signal.raise_signal(signal.SIGINT)
            done.append("begun")

    with pytest.raises(KeyboardInterrupt):
        begin()
    assert done == ["begun"]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
