"""A real NNI experiment: manager, trial processes, portal; what they report lands in the ledger."""

from __future__ import annotations

import json
import math
import socket
import subprocess
import sys
import urllib.request
from dataclasses import asdict, replace
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from gtn_nas.errors import UserError
from gtn_nas.proxy import Gtn, Params
from gtn_nas.search import Evaluation, Goal, Limits, make_sampler, open_study, settled_trials
from gtn_nas.search.nni.config import ServiceConfig
from gtn_nas.search.nni.experiment import Experiment
from gtn_nas.search.nni.outcome import Report, record
from gtn_nas.search.nni.service import free_port
from gtn_nas.space import load_space
from gtn_nas.task import Task
from gtn_nas.teacher.frozen import load_teacher
from gtn_nas.teacher.store import find_teacher
from search_spaces.cnn_small import CnnSmall
from tests.conftest import with_nni

EVALUATION = Evaluation(
    value=0.5, scores=(0.4, 0.6), params=10, flops=20, seconds=1.5, readings={"loss": -1.0}, curve=((4, 0.3), (8, 0.4))
)


@with_nni
@pytest.mark.timeout(1200)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # NNI's files
def test_an_experiment_fills_the_ledger_and_goes_on(digits: Task, tmp_path: Path) -> None:
    teacher = find_teacher(digits, CnnSmall(), {}).folder
    proxy = Gtn(CnnSmall(), digits, load_teacher(teacher))
    study = open_study(None, "s", proxy, 1, make_sampler("random", 0, proxy.space))
    seen: list[str] = []

    def look(address: str) -> None:
        port = int(address.rpartition(":")[2])
        with urllib.request.urlopen(address, timeout=60) as page:
            seen.append(page.read().decode())
        for other in addresses_of_this_host():
            with socket.socket() as probe:
                probe.settimeout(5)
                assert probe.connect_ex((other, port)) != 0, f"the portal listens on {other}"

    folder = tmp_path / "nas.db.nni"
    words = ["--teacher", str(teacher), "--threads", "1", "--device", "cpu"]
    config = ServiceConfig(port=0, concurrency=2)
    told: list[optuna.trial.FrozenTrial] = []
    experiment = Experiment("tpe", 0, words, folder, config, look)
    experiment(study, proxy, 6, 1, told.append)
    assert "<html" in seen[0]
    assert len(told) == len(settled_trials(study)) == 6
    for trial in study.trials:
        assert trial.state is TrialState.COMPLETE, trial.user_attrs
        assert trial.user_attrs["key"] == proxy.space.key(trial.params)
    first = study.trials[0]
    again = proxy.score(proxy.space.validate(first.params), 0)
    assert first.value == pytest.approx(again.value, abs=0.01)
    assert len(first.intermediate_values) == 2  # after a quarter and a half of the lesson
    assert {path.name for path in tmp_path.iterdir()} == {"nas.db.nni"}

    experiment(study, proxy, 7, 1, told.append)
    assert len(settled_trials(study)) == 7
    assert len({trial.user_attrs["key"] for trial in study.trials}) == 7
    experiment(study, proxy, 7, 1, lambda trial: pytest.fail("there was nothing left to do"))


def addresses_of_this_host() -> list[str]:
    import psutil  # it comes with NNI

    found = [one.address for each in psutil.net_if_addrs().values() for one in each if one.family == socket.AF_INET]
    return [address for address in found if not address.startswith("127.")]


@pytest.fixture
def study(digits: Task) -> optuna.Study:
    proxy = Params(CnnSmall(), digits)
    return open_study(None, "s", proxy, 1, make_sampler("random", 0, proxy.space))


def report(study: optuna.Study, digits: Task, status: str = "SUCCEEDED", **found: object) -> optuna.trial.FrozenTrial:
    proxy = Params(CnnSmall(), digits)
    (architecture,) = proxy.space.sample_many(1, 0)
    given = {name: float(value) if type(value) is int else value for name, value in architecture.items()}
    trial = record(study, proxy, Goal(limits=Limits(params=5)), Report(given, status, **found))  # type: ignore[arg-type]
    assert proxy.space.validate(trial.params) == architecture
    return trial


def test_all_that_was_measured_is_kept(study: optuna.Study, digits: Task) -> None:
    final = {"proxy": Params(CnnSmall(), digits).fingerprint, "evaluation": json.dumps(asdict(EVALUATION))}
    trial = report(study, digits, final=final)
    assert (trial.state, trial.value) == (TrialState.COMPLETE, 0.5)
    assert trial.user_attrs["scores"] == [0.4, 0.6]
    assert trial.user_attrs["readings"] == {"loss": -1.0}
    assert trial.intermediate_values == {4: 0.3}


def test_the_architecture_is_the_one_that_the_trial_says_it_scored(study: optuna.Study, digits: Task) -> None:
    proxy = Params(CnnSmall(), digits)
    listed, scored = proxy.space.sample_many(2, 0)
    final = {
        "proxy": proxy.fingerprint,
        "evaluation": json.dumps(asdict(EVALUATION)),
        "architecture": json.dumps(scored),
    }
    trial = record(study, proxy, Goal(), Report(listed, "SUCCEEDED", final=final))
    assert proxy.space.validate(trial.params) == scored
    assert trial.user_attrs["key"] == proxy.space.key(scored)


def test_what_waits_in_the_study_is_not_taken_for_it(study: optuna.Study, digits: Task) -> None:
    waiting = CnnSmall().sample_many(2, 1)[1]
    study.enqueue_trial(waiting)
    final = {"proxy": Params(CnnSmall(), digits).fingerprint, "evaluation": json.dumps(asdict(EVALUATION))}
    trial = report(study, digits, final=final)  # which compares its parameters
    assert trial.user_attrs["key"] == CnnSmall().key(CnnSmall().validate(trial.params))
    assert [one.state for one in study.trials] == [TrialState.WAITING, TrialState.COMPLETE]


def test_an_objective_that_is_not_finite_is_a_failure(study: optuna.Study, digits: Task) -> None:
    lost = replace(EVALUATION, value=math.nan)
    final = {"proxy": Params(CnnSmall(), digits).fingerprint, "evaluation": json.dumps(asdict(lost))}
    trial = report(study, digits, final=final)
    assert (trial.state, trial.user_attrs["reason"]) == (TrialState.FAIL, "its accuracy is not finite: nan")


def test_what_has_no_score_says_why(study: optuna.Study, digits: Task) -> None:
    fails = report(study, digits, "FAILED", failure={"default": 0.0, "reason": "out of memory"})
    assert (fails.state, fails.user_attrs["reason"]) == (TrialState.FAIL, "out of memory")
    over = {"default": 0.0, "reason": "params 10", "excess": {"params": 1.0}, "costs": {"params": 10}}
    pruned = report(study, digits, "FAILED", failure=over)
    assert (pruned.state, pruned.user_attrs["params"]) == (TrialState.PRUNED, 10)
    killed = report(study, digits, "USER_CANCELED")
    assert "user_canceled without a score" in killed.user_attrs["reason"]
    stranger = {"proxy": "another", "evaluation": json.dumps(asdict(EVALUATION))}
    assert "another proxy" in report(study, digits, final=stranger).user_attrs["reason"]
    assert len(settled_trials(study)) == 4


def test_the_folder_lies_beside_the_storage() -> None:
    config = ServiceConfig()
    assert config.place("sqlite:///runs/nas.db", "s") == Path("runs/nas.db.nni")
    assert config.place("postgresql://host/db", "s") == config.place(None, "s") == Path("s.nni")
    assert ServiceConfig(folder=Path("there")).place("sqlite:///nas.db", "s") == Path("there")


def test_a_port_that_is_taken_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UserError, match=r"port \d+ is taken; give another, --set nni.port=0 for any"):
            free_port(taken.getsockname()[1])
    assert free_port(0) > 0


@with_nni
def test_a_trial_outside_of_an_experiment_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gtn_nas.search.nni_trial"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 2
    assert "no parameters came from NNI" in done.stderr


def test_the_name_of_a_space_leads_back_to_it() -> None:
    assert load_space(CnnSmall().origin or CnnSmall().name).fingerprint == CnnSmall().fingerprint


@with_nni
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # NNI's files
def test_what_the_storage_knows_is_not_scored_again(digits: Task, tmp_path: Path) -> None:
    (architecture,) = CnnSmall().sample_many(1, 0)
    one_left = f"cnn_small[{','.join(f'{name}={value}' for name, value in architecture.items())}]"
    proxy = Params(load_space(one_left), digits)
    sampler = make_sampler("random", 0, proxy.space)
    storage = f"sqlite:///{tmp_path / 'nas.db'}"
    final = {"proxy": proxy.fingerprint, "evaluation": json.dumps(asdict(EVALUATION))}
    record(
        open_study(storage, "before", proxy, 1, sampler), proxy, Goal(), Report(architecture, "SUCCEEDED", final=final)
    )
    study = open_study(storage, "now", proxy, 1, sampler)
    words = ["--space", one_left, "--data", "digits", "--proxy", "params"]
    Experiment("grid", 0, words, tmp_path / "there", ServiceConfig(port=0))(study, proxy, 1, 1)
    (trial,) = study.trials
    assert (trial.value, trial.user_attrs["seconds"]) == (EVALUATION.value, 0.0)  # which no network's size is


@with_nni
@pytest.mark.timeout(600)
def test_a_killed_search_leaves_no_manager(tmp_path: Path) -> None:
    import psutil  # it comes with NNI

    words = ["search", "--engine", "nni", "--nni-service", "local", "--sampler", "random", "--data", "digits"]
    place = ["--set", "nni.port=0", "--set", f"nni.folder={tmp_path / 'there'}", "--trials", "100"]
    command = [sys.executable, "-m", "gtn_nas", *words, *place]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as search:
        assert search.stderr is not None
        assert any("NNI's portal" in line for line in search.stderr)
        started = psutil.Process(search.pid).children(recursive=True)
        assert any("nni_node" in " ".join(one.cmdline()) for one in started)
        search.kill()
    _, left = psutil.wait_procs(started, timeout=120)
    assert left == []
