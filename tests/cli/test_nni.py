"""NNI on the command line: what cannot be combined is refused at once; doctor says what works."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from gtn_nas.cli.app import main
from gtn_nas.cli.nni import NniSearch, SearchSettings, nni_experiment
from gtn_nas.errors import UserError
from gtn_nas.proxy import Params, make_score
from gtn_nas.search import Goal, Limits, nni_trial
from gtn_nas.task import Task
from gtn_nas.teacher.config import TeacherConfig
from search_spaces.cnn_small import CnnSmall
from tests.conftest import with_nni


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"engine": "optuna"}, "--nni-service needs --engine nni"),
        ({"service": "kubeflow"}, "unknown NNI service 'kubeflow'; use local, or start an experiment .*nni_trial"),
        ({"pruner": "median"}, "pruner 'median' does not reach into NNI's trials"),
        ({"calibrated": True}, "calibrated scores are not known to NNI's trials"),
        ({"scored_by": "gtn+flops"}, "proxy 'gtn\\+flops' ranks among a sample, which every trial"),
    ],
)
def test_what_an_experiment_cannot_do_is_refused(words: dict[str, object], sentence: str) -> None:
    plain: dict[str, object] = {"service": "local", "engine": "nni", "sampler": "tpe", "seed": 0, "pruner": "none"}
    with pytest.raises(UserError, match=sentence):
        NniSearch(**{**plain, "calibrated": False, "scored_by": "gtn", **words})  # type: ignore[arg-type]


def test_the_limits_of_an_experiment_reach_its_trials(digits: Task) -> None:
    limits = Limits(60_000, 2_000_000, 0.0025)
    asked = NniSearch("local", "nni", "tpe", 0, "none", calibrated=False, scored_by="params")
    proxy, goal = Params(CnnSmall(), digits), Goal(limits=limits)
    made = nni_experiment(asked, SearchSettings(), proxy, None, 1, goal, "cpu", 1, None, "s")
    words = list(made.trial)
    assert words[words.index("--max-latency") + 1] == "2.5"  # milliseconds, as the search itself takes them
    assert nni_trial._limits(nni_trial._parser().parse_args(words)) == limits
    assert nni_trial._limits(nni_trial._parser().parse_args([])) == Limits()


def test_the_sizes_of_a_lesson_reach_its_trials(digits: Task) -> None:
    settings = SearchSettings(teacher=TeacherConfig(steps=3, batch_size=16))
    proxy = make_score("real_steps", CnnSmall(), digits, [], settings.recipe, settings.teacher)
    asked = NniSearch("local", "nni", "tpe", 0, "none", calibrated=False, scored_by="real_steps")
    made = nni_experiment(asked, settings, proxy, None, 1, Goal(), "cpu", 1, None, "s")
    assert nni_trial._proxy(nni_trial._parser().parse_args(list(made.trial))).fingerprint == proxy.fingerprint


@with_nni
def test_doctor_says_what_works_of_nni() -> None:
    done = subprocess.run([sys.executable, "-m", "gtn_nas", "doctor", "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["nni"] == "3.0"
    assert facts["nni node"].startswith("v")
    assert facts["nni portal"].startswith("works")


def test_without_nni_its_install_command_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gtn_nas.extras.find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["gtn-nas", "search", "--engine", "nni", "--trials", "1"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert "pip install '.[nni]'" in capsys.readouterr().err
