"""What NNI's tuners are told: TPE must live through what NNI's manager makes of two trials at once."""

from __future__ import annotations

import json
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gtn_nas.errors import UserError
from gtn_nas.proxy import Params
from gtn_nas.search import make_sampler, open_study
from gtn_nas.search.nni.config import ServiceConfig
from gtn_nas.search.nni.experiment import Experiment
from gtn_nas.task import Task
from search_spaces.cnn_small import CnnSmall
from tests.conftest import with_nni

SPACE = {"width": {"_type": "choice", "_value": [8, 16, 24]}}


class Spoken:
    """A dispatcher that is handed commands, and whose words are kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from nni.runtime import env_vars
        from nni.runtime.msg_dispatcher_base import MsgDispatcherBase
        from nni.runtime.tuner_command_channel import CommandType, TunerCommandChannel

        from gtn_nas.search.nni.ordered_dispatcher import make_dispatcher

        self.said: list[tuple[Any, str]] = []
        self.kinds = CommandType
        monkeypatch.setattr(TunerCommandChannel, "connect", lambda channel: None)
        monkeypatch.setattr(MsgDispatcherBase, "send", lambda dispatcher, kind, data: self.said.append((kind, data)))
        nowhere = env_vars.dispatcher_env_vars._replace(NNI_TUNER_COMMAND_CHANNEL="ws://nowhere")
        monkeypatch.setattr(env_vars, "dispatcher_env_vars", nowhere)
        self.dispatcher = make_dispatcher("TPE", {"optimize_mode": "maximize", "seed": 0})
        self.tuner = self.dispatcher.tuner
        self("Initialize", SPACE)
        self("RequestTrialJobs", 2)
        trials = [json.loads(data) for kind, data in self.said if kind is CommandType.NewTrialJob]
        self.first, self.second = (trial["parameter_id"] for trial in trials)

    def __call__(self, kind: str, data: Any) -> None:
        """Go through the queue, as the dispatcher's thread does."""
        self.dispatcher.enqueue_command(getattr(self.kinds, kind), data)
        assert self.dispatcher.assessor_command_queue.empty()
        self.dispatcher.process_command(*self.dispatcher.default_command_queue.get_nowait())

    def reports(self, job: str, parameters: int, value: float, kind: str = "FINAL") -> None:
        told = {"parameter_id": parameters, "trial_job_id": job, "type": kind, "sequence": 0, "value": str(value)}
        self("ReportMetricData", told)

    def ends(self, job: str, parameters: int, event: str = "SUCCEEDED") -> None:
        told = {"trial_job_id": job, "event": event, "hyper_params": json.dumps({"parameter_id": parameters})}
        self("TrialEnd", told)

    @property
    def losses(self) -> list[float]:
        return [record.loss for records in self.tuner._history.values() for record in records]


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> Spoken:
    return Spoken(monkeypatch)


@with_nni
def test_two_trials_with_each_others_parameters_are_both_learned_from(spoken: Spoken) -> None:
    spoken.reports("one", spoken.second, 0.5)
    spoken.ends("one", spoken.first)  # the manager's word for what it ran
    spoken.reports("two", spoken.first, 0.7)
    spoken.ends("two", spoken.second)
    assert spoken.losses == [-0.5, -0.7]
    assert not spoken.tuner._running_params


@with_nni
def test_a_result_that_comes_after_the_end_is_learned_from(spoken: Spoken) -> None:
    spoken.ends("one", spoken.first)
    spoken.reports("one", spoken.first, 0.5)
    assert spoken.losses == [-0.5]


@with_nni
def test_a_failure_is_that_of_what_the_trial_ran(spoken: Spoken) -> None:
    spoken.reports("one", spoken.second, 0.0, "PERIODICAL")
    spoken.ends("one", spoken.first, "FAILED")
    assert list(spoken.tuner._running_params) == [spoken.first]
    spoken.reports("one", spoken.second, 0.9)  # too late
    spoken.reports("two", spoken.first, 0.7)
    spoken.ends("two", spoken.second, "FAILED")  # after its result: nothing that the tuner must hear
    assert spoken.losses == [-0.7]


@with_nni
def test_a_tuner_that_fails_says_so(spoken: Spoken) -> None:
    with pytest.raises(KeyError):
        spoken("ImportData", [{"parameter": {}, "value": 0.5}])
    kind, said = spoken.said[-1]
    assert kind is spoken.kinds.Error
    assert "KeyError" in said


@with_nni
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # NNI's files
def test_an_experiment_whose_tuner_dies_ends(digits: Task, tmp_path: Path) -> None:
    proxy = Params(CnnSmall(), digits)
    study = open_study(None, "s", proxy, 1, make_sampler("random", 0, proxy.space))

    def spoil(address: str) -> None:
        data = json.dumps([{"parameter": {}, "value": 0.5}]).encode()
        place = f"{address}/api/v1/nni/experiment/import-data"
        request = urllib.request.Request(place, data, {"Content-Type": "application/json"})
        for _ in range(60):
            with suppress(OSError), urllib.request.urlopen(request, timeout=2):  # no answer before the tuner is there
                return

    words = ["--space", "cnn_small", "--data", "digits", "--proxy", "params"]
    experiment = Experiment("tpe", 0, words, tmp_path / "there", ServiceConfig(port=0), spoil)
    with pytest.raises(UserError, match="ended with an error; its logs are in"):
        experiment(study, proxy, 1000, 1)
