"""Gathered reads and writes: fewer of them, and the same study."""

from __future__ import annotations

import threading
from pathlib import Path

import optuna
import pytest
import sqlalchemy
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from gtn_nas.search import open_storage
from gtn_nas.search.gathering import gathered

PARAMETERS = {"op": CategoricalDistribution(["a", "b", "c"]), "depth": IntDistribution(1, 4)}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/nas.db"


def opened(url: str | None, name: str = "s") -> optuna.Study:
    sampler = optuna.samplers.TPESampler(seed=0, n_startup_trials=5, multivariate=True)
    return optuna.create_study(storage=open_storage(url), study_name=name, sampler=sampler, load_if_exists=True)


def begun(study: optuna.Study) -> optuna.Trial:
    trial = study.ask(fixed_distributions=PARAMETERS)
    trial.set_user_attr("worker", {"pid": trial.number})
    return trial


def drawn(study: optuna.Study) -> optuna.Trial:
    with gathered(study):
        return begun(study)


def run(study: optuna.Study, together: bool) -> None:
    for _ in range(12):
        trial = drawn(study) if together else begun(study)
        value = trial.params["depth"] + len(trial.params["op"] * 2)
        trial.report(0.5, 3)
        if together:
            with gathered(study):
                trial.set_user_attr("scores", [value])
                study.tell(trial, value)
        else:
            trial.set_user_attr("scores", [value])
            study.tell(trial, value)


def kept(trial: FrozenTrial) -> tuple[object, ...]:
    written = trial.params, trial.distributions, trial.user_attrs, trial.system_attrs, trial.intermediate_values
    return trial.number, trial.state, trial.values, *written


def test_a_gathered_study_is_the_same(url: str) -> None:
    run(opened(url, "one by one"), together=False)
    run(opened(url, "together"), together=True)
    one_by_one, together = (opened(url, name).get_trials() for name in ("one by one", "together"))
    assert list(map(kept, one_by_one)) == list(map(kept, together))
    assert len(together) == 12


def test_a_trial_takes_few_statements(url: str) -> None:
    study = opened(url)
    run(study, together=True)  # a parameter's first use is checked against the database
    said: list[str] = []
    sqlalchemy.event.listen(
        study._storage._backend.engine, "before_cursor_execute", lambda *words: said.append(words[2])
    )
    run(study, together=True)
    gathered_ = len(said)
    run(study, together=False)
    assert gathered_ < 0.8 * (len(said) - gathered_)


def test_others_see_it_when_the_block_ends(url: str) -> None:
    study, other = opened(url), opened(url)
    study.tell(drawn(study), 0.0)
    with gathered(study):
        trial = begun(study)
        assert other.get_trials()[-1].params == {}
        assert study._storage.get_trial(trial._trial_id).params == trial.params
    assert kept(other.get_trials()[-1]) == kept(study._storage.get_trial(trial._trial_id))
    assert other.get_trials()[-1].params == trial.params


def test_signs_of_life_from_another_thread_do_not_wait(url: str) -> None:
    study, other = opened(url), opened(url)
    trial = drawn(study)
    with gathered(study):
        trial.set_user_attr("mine", 1)
        thread = threading.Thread(target=lambda: trial.set_user_attr("beat", 1))
        thread.start()
        thread.join()
        assert "beat" in other.get_trials()[0].user_attrs
        assert "mine" not in other.get_trials()[0].user_attrs
        assert study._storage.get_trial(trial._trial_id).user_attrs["beat"] == 1


def test_a_trial_that_another_search_closed_is_not_written_to(url: str) -> None:
    study, other = opened(url), opened(url)
    trial = drawn(study)
    other._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)

    @gathered(study)
    def tell() -> None:
        trial.set_user_attr("scores", [1.0])
        study.tell(trial, 1.0)

    with pytest.raises(UpdateFinishedTrialError, match="took this one's trial for dead"):
        tell()
    (found,) = opened(url).get_trials()
    assert found.state is TrialState.FAIL
    assert "scores" not in found.user_attrs


def test_what_an_exception_cuts_short_is_not_written(url: str) -> None:
    study = opened(url)
    study.tell(drawn(study), 0.0)

    @gathered(study)
    def cut() -> None:
        begun(study)
        raise RuntimeError("cut")

    with pytest.raises(RuntimeError, match="cut"):
        cut()
    assert opened(url).get_trials()[-1].params == {}
    drawn(study)  # and the storage works on
    assert opened(url).get_trials()[-1].params


def test_a_range_that_changed_is_refused(url: str) -> None:
    study = opened(url)
    study.tell(drawn(study), 0.0)
    with pytest.raises(ValueError, match="CategoricalDistribution"), gathered(study):
        study.ask(fixed_distributions={"op": CategoricalDistribution(["x"])})


def test_a_study_in_memory_needs_none() -> None:
    study = opened(None)
    run(study, together=True)
    assert len(study.trials) == 12
