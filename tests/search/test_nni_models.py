"""NNI's model spaces: searched by NNI's strategies, scored by ours, taught by our teachers."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest
import torch

from gtn_nas.errors import UserError
from gtn_nas.proxy import Gtn, Params
from gtn_nas.search import make_proposer, open_study, search
from gtn_nas.search.nni.strategies import StrategyProposer
from gtn_nas.space import Architecture, SearchSpace, load_space
from gtn_nas.space.checking import check_space
from gtn_nas.task import Task
from gtn_nas.teacher.frozen import FrozenTeacher
from tests.conftest import Shape, with_nni

pytestmark = with_nni
CELLS = "nni:NasBench201(stem_out_channels=4, num_modules_per_stack=1)"
DARTS = "nni:DARTS(width=4, num_cells=3)"
MINE = """
import nni
import torch
from nni.nas.nn.pytorch import LayerChoice, ModelSpace, MutableLinear
from torch import nn


class Mine(ModelSpace):
    def __init__(self, most=16):
        super().__init__()
        width = nni.choice("width", [8, most])
        self.hidden = MutableLinear(64, width)
        self.act = LayerChoice({"relu": nn.ReLU(), "gelu": nn.GELU()}, label="act")
        self.last = MutableLinear(width, 2)

    def forward(self, x):
        return self.last(self.act(self.hidden(x.flatten(1))))


class Nothing(ModelSpace):
    def forward(self, x):
        return x


class Headless(ModelSpace):
    def __init__(self):
        super().__init__()
        self.body = LayerChoice([nn.Conv2d(3, 8, 1), nn.Conv2d(3, 8, 3)], label="body")

    def forward(self, x):
        return self.body(x).mean((2, 3))
"""


def explored(
    space: SearchSpace, task: Task, name: str, trials: int, before: optuna.Study | None = None
) -> optuna.Study:
    proxy = Params(space, task)
    study = open_study(None, "s", proxy, 1, make_proposer("nni", name, 0, space))
    study.add_trials(before.trials if before is not None else [])
    search(study, proxy, trials, 1)
    return study


@pytest.fixture
def mine(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(MINE)
    return f"nni:{tmp_path / 'mine.py'}"


@pytest.mark.parametrize("name", [CELLS, DARTS, "nni:MobileNetV3(base_widths=(8,8,8,8,8,8,8,8,8))"])
def test_spaces_of_the_hub_are_fit_for_use(name: str, digits: Task) -> None:
    space = load_space(name)
    faults = [check for check in check_space(space, digits, 2) if check.fault]
    assert not faults


def test_what_a_sample_means_survives_the_way_there_and_back() -> None:
    space = load_space(DARTS)
    for one in space.sample_many(5, 0):
        assert space.validate(space.choices.from_sample(space.choices.to_sample(one))) == one
    assert space.parameters["normal/input_4_0"].choices == ("0", "1", "2", "3")
    assert pickle.loads(pickle.dumps(space)).fingerprint == space.fingerprint
    assert load_space("nni:DARTS(width=8, num_cells=3)").fingerprint != space.fingerprint


def test_choices_decide_the_network(digits: Task) -> None:
    space = load_space(CELLS)
    edges = list(space.parameters)
    costs = [space.cost(dict.fromkeys(edges, word), digits) for word in ("skip_connect", "conv_1x1", "conv_3x3")]
    assert costs[0].params < costs[1].params < costs[2].params


def test_networks_take_the_tasks_images_and_classes() -> None:
    space = load_space(CELLS)
    one = space.sample(np.random.default_rng(0))
    for form in (Shape((1, 8, 8), 10), Shape((3, 32, 32), 7)):
        space.check_task(form)
        assert space.build(one, form)(torch.zeros(2, *form.image_shape)).shape == (2, form.classes)


def test_what_does_not_fit_is_refused_with_the_reason(mine: str) -> None:
    with pytest.raises(UserError, match=r"does not fit images of 1×8×8 in 10 classes: .*Kernel size"):
        load_space("nni:AutoFormer").check_task(Shape((1, 8, 8), 10))
    with pytest.raises(UserError, match="it has no linear layer to fit to the classes"):
        load_space(f"{mine}:Headless").check_task(Shape((3, 8, 8), 10))
    with pytest.raises(UserError, match="nothing to choose"):
        load_space(f"{mine}:Nothing")
    with pytest.raises(UserError, match=r"'nni:Best' is not a model space of NNI's; use one of .*DARTS"):
        load_space("nni:Best")
    with pytest.raises(UserError, match="no Python file"):
        load_space("nni:nowhere.py:Mine")
    with pytest.raises(UserError, match="does not load: No module named 'nowhere'"):
        load_space("nni:nowhere:Mine")
    with pytest.raises(UserError, match=r"arguments are written 'nni:NAME\(width=8"):
        load_space("nni:DARTS(8)")
    with pytest.raises(UserError, match="unexpected keyword argument"):
        load_space("nni:DARTS(size=8)")


def test_constraints_are_kept(digits: Task) -> None:
    space = load_space("nni:NasBench101(stem_out_channels=4, num_modules_per_stack=1)")
    drawn = space.sample_many(3, 0)
    assert all(space.allows(one) for one in drawn)
    assert all(space.allows(one) for one in space.neighbours(drawn[0]))
    study = explored(space, digits, "evolution", 3)
    assert all(space.allows(trial.params) for trial in study.trials)
    with pytest.raises(UserError, match="'tpe' knows nothing of the constraints"):
        make_proposer("nni", "tpe", 0, space)


@pytest.mark.parametrize("name", ["random", "grid", "evolution", "tpe"])
def test_each_strategy_of_nnis_fills_the_ledger_and_is_resumed(name: str, mine: str, digits: Task) -> None:
    space = load_space(f"{mine}:Mine(most=32)")
    assert isinstance(make_proposer("nni", name, 0, space)._proposer, StrategyProposer)
    whole = explored(space, digits, name, 3)
    again = explored(space, digits, name, 3, before=explored(space, digits, name, 2))
    assert [trial.params for trial in again.trials] == [trial.params for trial in whole.trials]
    assert all(trial.state is optuna.trial.TrialState.COMPLETE for trial in whole.trials)
    assert all(trial.user_attrs["params"] == trial.value for trial in whole.trials)


@pytest.mark.parametrize("name", ["grid", "random"])
def test_an_exhausted_space_ends_the_search(name: str, mine: str, digits: Task) -> None:
    space = load_space(f"{mine}:Mine")
    study = explored(space, digits, name, 9)
    assert len(study.trials) == len({space.key(trial.params) for trial in study.trials}) == 4


def test_strategies_that_do_not_exist_are_refused(mine: str) -> None:
    with pytest.raises(UserError, match="'anneal' does not serve NNI's model spaces; use one of tpe, random"):
        make_proposer("nni", "anneal", 0, load_space(f"{mine}:Mine"))


def test_a_candidate_that_fails_does_not_end_the_strategy(mine: str, digits: Task) -> None:
    space = load_space(f"{mine}:Mine")

    class Fails(Params):
        def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
            if architecture["act"] == "gelu":
                raise RuntimeError("not that one")
            return super().measure(architecture, seed)

    proxy = Fails(space, digits)
    study = open_study(None, "s", proxy, 1, make_proposer("nni", "random", 0, space))
    search(study, proxy, 4, 1)
    assert sorted(trial.state.name for trial in study.trials) == ["COMPLETE", "COMPLETE", "FAIL", "FAIL"]


def test_a_taught_model_space_is_searched_by_its_scores(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    space = load_space(CELLS)
    card = {**tiny_teacher.card, "space": space.name, "space_fingerprint": space.fingerprint}
    teacher = FrozenTeacher(tiny_teacher.lesson, tiny_teacher.config, card)
    proxy = Gtn(space, digits, teacher)
    study = open_study(None, "s", proxy, 1, make_proposer("nni", "evolution", 0, space))
    search(study, proxy, 2, 1)
    assert all(0 <= trial.value <= 1 for trial in study.trials)


def test_a_teacher_is_trained_across_a_model_space(tmp_path: Path) -> None:
    words = ["train-teacher", "--space", CELLS, "--out", str(tmp_path / "teacher"), "--iterations", "2", "--json"]
    settings = ["teacher.steps=4", "teacher.batch_size=10", "teacher.warm_start=2", "meta.exam_every=2"]
    words += [word for one in [*settings, "meta.real_batch=32"] for word in ("--set", one)]
    done = subprocess.run(
        [sys.executable, "-m", "gtn_nas", *words, "--threads", "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    card = json.loads((tmp_path / "teacher" / "teacher.json").read_text())
    assert card["space_source"] == CELLS
    assert card["space_fingerprint"] == load_space(CELLS).fingerprint
