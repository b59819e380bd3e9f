"""The SearchSpace contract, on small spaces made for it and on ``cnn_small``."""

import itertools
import math
import pickle
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import optuna
import pytest
import torch
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from torch import nn

from gtn_nas.errors import UserError
from gtn_nas.space import SearchSpace, available_spaces, load_space


class Tiny(SearchSpace):
    """30 architectures: every kind of parameter that has finitely many values."""

    name = "tiny"
    parameters: ClassVar = {
        "flag": CategoricalDistribution((True, "one", 1.0)),
        "width": IntDistribution(4, 20, step=4),
        "rate": FloatDistribution(0.1, 0.3, step=0.2),
    }

    def build(self, architecture, task):
        chosen = self.validate(architecture)
        channels, height, width = task.image_shape
        return nn.Sequential(
            nn.Conv2d(channels, chosen["width"], 3, padding=1, bias=False),
            nn.BatchNorm2d(chosen["width"]),
            nn.ReLU(),
            nn.Dropout(chosen["rate"]),
            nn.Flatten(),
            nn.Linear(chosen["width"] * height * width, task.classes),
        )


class Numbers(Tiny):
    """Ranges that are continuous, logarithmic, or whose ends are no exact multiples of the step."""

    name = "numbers"
    parameters: ClassVar = {
        "plain": FloatDistribution(-1.0, 2.0),
        "log": FloatDistribution(1e-4, 1e-1, log=True),
        "log_int": IntDistribution(1, 100, log=True),
        "tenths": FloatDistribution(0.0, 0.3, step=0.1),
        "fixed": FloatDistribution(0.5, 0.5),
    }


def tiny(**changes):
    return {"flag": True, "width": 8, "rate": 0.1} | changes


def numbers(**changes):
    return {"plain": 0.0, "log": 1e-2, "log_int": 5, "tenths": 0.1, "fixed": 0.5} | changes


def without(name):
    return {key: value for key, value in tiny().items() if key != name}


def spelled(value):
    """Values of unlike types are unlike: 1, True and 1.0."""
    return type(value).__name__, value


def differences(one, two):
    return [name for name in one if spelled(one[name]) != spelled(two[name])]


def space_with(**parameters):
    return type("Made", (Tiny,), {"parameters": parameters})


@pytest.fixture(scope="module")
def cnn_small():
    return load_space("cnn_small")


def test_sample_covers_every_value():
    rng = np.random.default_rng(0)
    drawn = [Tiny().sample(rng) for _ in range(200)]
    for name, expected in (("flag", [True, "one", 1.0]), ("width", [4, 8, 12, 16, 20]), ("rate", [0.1, 0.3])):
        assert {spelled(a[name]) for a in drawn} == set(map(spelled, expected))


def test_sample_is_uniform():
    rng = np.random.default_rng(0)
    widths = [Tiny().sample(rng)["width"] for _ in range(2000)]
    assert np.unique(widths, return_counts=True)[1] / 2000 == pytest.approx([0.2] * 5, abs=0.04)


def test_numbers_are_drawn_within_their_ranges_and_logarithms_evenly():
    rng = np.random.default_rng(0)
    drawn = [Numbers().validate(Numbers().sample(rng)) for _ in range(2000)]
    assert {a["tenths"] for a in drawn} == {0.0, 0.1, 0.2, 0.3}
    assert {1, 100} <= {a["log_int"] for a in drawn} <= set(range(1, 101))
    assert np.median([a["log"] for a in drawn]) == pytest.approx(math.sqrt(1e-5), rel=0.2)
    assert np.median([a["log_int"] for a in drawn]) == pytest.approx(10, abs=2)
    assert np.mean([a["plain"] for a in drawn]) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("space", [Tiny(), Numbers()], ids=lambda space: space.name)
def test_samples_follow_the_seed(space):
    draws = [[space.sample(np.random.default_rng(seed)) for _ in range(5)] for seed in (3, 3, 4)]
    assert draws[0] == draws[1] != draws[2]


def test_sample_many_gives_different_architectures_up_to_the_whole_space():
    space = Tiny()
    found = space.sample_many(30, seed=1)
    assert {space.key(a) for a in found} == {space.key(a) for a in space.grid()}
    assert found[:7] == space.sample_many(7, seed=1)
    with pytest.raises(UserError, match="holds 30 architectures, but 31 were asked for"):
        space.sample_many(31, seed=1)


def test_sample_many_draws_from_a_continuous_space():
    assert Numbers().size == math.inf
    assert len({Numbers().key(a) for a in Numbers().sample_many(50, seed=0)}) == 50


@pytest.mark.parametrize(
    ("architecture", "sentence"),
    [
        (tiny(depth=3), "has no parameter 'depth'; its parameters are flag, width, rate"),
        (without("width"), "needs parameter 'width'"),
        (tiny(width=24), "width=24 is outside 4 to 20 in steps of 4"),
        (tiny(width=0), "width=0 is outside"),
        (tiny(width=9), "width=9 is outside"),
        (tiny(width=8.0), "width=8.0 is outside"),
        (tiny(width=True), "width=True is outside"),
        (tiny(width="8"), "width='8' is outside"),
        (tiny(width=None), "width=None is outside"),
        (tiny(flag=1), "flag=1 is outside the choices True, 'one', 1.0"),
        (tiny(flag=False), "flag=False is outside"),
        (tiny(flag=np.ones(3)), "flag=array"),
        (tiny(rate=0.2), "rate=0.2 is outside"),
        (tiny(rate=float("nan")), "rate=nan is outside"),
        (tiny(rate=float("inf")), "rate=inf is outside"),
        (tiny(rate="0.1"), "rate='0.1' is outside"),
    ],
)
def test_validate_names_what_is_wrong(architecture, sentence):
    with pytest.raises(UserError, match=sentence):
        Tiny().validate(architecture)


def test_validate_orders_the_parameters_and_keeps_the_values():
    checked = Tiny().validate({"rate": 0.3, "width": 4, "flag": 1.0})
    assert list(checked.items()) == [("flag", 1.0), ("width", 4), ("rate", 0.3)]
    assert type(checked["flag"]) is float


def test_equal_numbers_have_one_key():
    space = Numbers()
    assert space.key(numbers(plain=1)) == space.key(numbers(plain=1.0))
    assert space.key(numbers(tenths=0)) == space.key(numbers(tenths=0.0))
    assert space.key(numbers(tenths=0.2)) == space.key(numbers(tenths=0.1 + 0.1 + 1e-12))


def test_the_key_does_not_depend_on_the_order():
    reverse = dict(reversed(tiny().items()))
    assert Tiny().key(reverse) == Tiny().key(tiny())


def test_different_architectures_have_different_keys():
    assert len({Tiny().key(architecture) for architecture in Tiny().grid()}) == 30


def test_keys_and_fingerprints_are_the_same_in_another_process(run_python, cnn_small):
    architecture = cnn_small.sample(np.random.default_rng(5))
    code = (
        "from gtn_nas.space import load_space; space = load_space('cnn_small'); "
        f"print(space.key({architecture}), space.fingerprint)"
    )
    assert run_python(code).split() == [cnn_small.key(architecture), cnn_small.fingerprint]


def test_the_grid_is_complete_and_in_order():
    grid = list(Tiny().grid())
    expected = itertools.product((True, "one", 1.0), (4, 8, 12, 16, 20), (0.1, 0.3))
    assert [tuple(map(spelled, a.values())) for a in grid] == [tuple(map(spelled, row)) for row in expected]
    assert len(grid) == Tiny().size == 30


def test_a_grid_of_a_stepped_range_ends_at_its_end():
    space = space_with(tenths=FloatDistribution(0.0, 0.3, step=0.1), fixed=FloatDistribution(0.5, 0.5))()
    assert [space.validate(a)["tenths"] for a in space.grid()] == [0.0, 0.1, 0.2, 0.3]
    assert space.size == 4


def test_a_grid_refuses_a_continuous_parameter():
    with pytest.raises(UserError, match="'plain' is continuous; give it a step"):
        list(Numbers().grid())


def test_neighbours_differ_in_one_parameter_and_are_symmetric(cnn_small):
    for architecture in cnn_small.sample_many(20, seed=0):
        for neighbour in cnn_small.neighbours(architecture):
            assert cnn_small.validate(neighbour) == neighbour
            assert len(differences(architecture, neighbour)) == 1
            assert architecture in cnn_small.neighbours(neighbour)


def test_neighbours_reach_the_whole_space():
    space, reached = Tiny(), {}
    frontier = [tiny()]
    while frontier:
        architecture = frontier.pop()
        if space.key(architecture) not in reached:
            reached[space.key(architecture)] = architecture
            frontier += space.neighbours(architecture)
    assert len(reached) == 30


def test_neighbours_of_a_number_are_one_step_away():
    def moves(name, value):
        centre = numbers(**{name: value})
        return [n[name] for n in Numbers().neighbours(centre) if differences(centre, n) == [name]]

    assert moves("tenths", 0.2) == [0.1, 0.3]
    assert moves("tenths", 0.3) == [0.2]
    assert moves("log_int", 1) == [2]
    assert moves("log_int", 50) == [49, 51]
    assert moves("plain", 0.0) == pytest.approx([-0.3, 0.3])
    assert moves("plain", 2.0) == pytest.approx([1.7])
    assert moves("log", 1e-2) == pytest.approx([1e-2 / 10**0.3, 1e-2 * 10**0.3])
    assert moves("log", 1e-4) == pytest.approx([1e-4 * 10**0.3])
    assert moves("fixed", 0.5) == []


def test_cost_equals_a_count_by_hand(shape):
    cost = Tiny().cost(tiny(width=8), shape((3, 10, 12), 5))
    pixels = 10 * 12
    assert cost.params == 3 * 8 * 9 + 2 * 8 + (8 * pixels + 1) * 5
    assert cost.flops == 2 * (3 * 8 * 9 * pixels + 8 * pixels * 5)


def test_cost_leaves_frozen_parameters_out(shape):
    class Frozen(Tiny):
        def build(self, architecture, task):
            network = super().build(architecture, task)
            network[0].requires_grad_(False)
            return network

    assert Frozen().cost(tiny(), shape()).params == Tiny().cost(tiny(), shape()).params - 1 * 8 * 9


def test_cost_depends_on_no_device_and_draws_nothing(digits, cnn_small, shape):
    architecture = cnn_small.sample(np.random.default_rng(1))
    state = torch.get_rng_state()
    costs = {cnn_small.cost(architecture, task) for task in (digits, digits.to(torch.device("meta")), shape())}
    with torch.device("cpu"):
        costs.add(cnn_small.cost(architecture, digits))
    assert len(costs) == 1
    assert torch.equal(torch.get_rng_state(), state)


def test_the_cost_of_a_huge_network_takes_no_memory(shape):
    class Huge(Tiny):
        def build(self, architecture, task):
            wide = 10 ** architecture["width"]
            return nn.Sequential(nn.Conv2d(1, wide, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(wide, 10))

    state = torch.get_rng_state()
    for digits in (8, 12):  # 4.4 GB and 44 TB
        wide = 10**digits
        cost = Huge().cost(tiny(width=digits), shape())
        assert cost.params == 2 * wide + 10 * wide + 10
        assert cost.flops == 2 * 64 * wide + 2 * 10 * wide
    assert torch.equal(torch.get_rng_state(), state)
    assert nn.Linear(5000, 5000).in_features == 5000  # networks that are not counted may be as large as they like


@pytest.mark.parametrize("size", [(1, 8, 8), (3, 64, 64)])
def test_the_cost_is_the_same_however_it_is_counted(monkeypatch, cnn_small, shape, size):
    architectures = cnn_small.sample_many(6, seed=3)
    real = [cnn_small.cost(architecture, shape(size)) for architecture in architectures]
    monkeypatch.setattr("gtn_nas.space.cost._LARGEST_LAYER", 0)
    assert [cnn_small.cost(architecture, shape(size)) for architecture in architectures] == real


class WithConstants(nn.Module):
    """Reads a number from a tensor, which the meta device does not have."""

    def __init__(self, inputs):
        super().__init__()
        self.layer = nn.Linear(inputs, 10)

    def forward(self, x):
        return self.layer(x.flatten(1)) * torch.ones(1).item()


def with_constants(inputs):
    return type("Made", (Tiny,), {"build": lambda self, architecture, task: WithConstants(inputs)})()


def test_the_cost_of_a_small_network_needs_no_meta_device(shape):
    assert with_constants(64).cost(tiny(), shape()).params == 650


def test_the_networks_own_fault_is_raised(shape):
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
        with_constants(3).cost(tiny(), shape())


def test_cost_counts_the_parameters_of_the_built_network(cnn_small, shape):
    for architecture in cnn_small.sample_many(5, seed=2):
        network = cnn_small.build(architecture, shape())
        assert cnn_small.cost(architecture, shape()).params == sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"name": "other"},
        {"parameters": {**Tiny.parameters, "width": IntDistribution(4, 24, step=4)}},
        {"parameters": {**Tiny.parameters, "flag": CategoricalDistribution((1, "one", 1.0))}},
        {"parameters": {**Tiny.parameters, "more": IntDistribution(0, 1)}},
    ],
)
def test_the_fingerprint_changes_with_name_version_and_parameters(changes):
    assert type("Other", (Tiny,), changes)().fingerprint != Tiny().fingerprint
    assert type("Same", (Tiny,), {})().fingerprint == Tiny().fingerprint


def test_optuna_asks_with_the_same_parameters(cnn_small):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for space in (cnn_small, Numbers()):
        for _ in range(30):
            asked = study.ask(fixed_distributions=dict(space.parameters)).params
            assert space.validate(asked) == asked


@pytest.mark.filterwarnings("ignore:Choices for a categorical distribution:UserWarning")
@pytest.mark.parametrize("choice", [None, (1, 2), float("nan")])
def test_a_choice_that_no_architecture_can_hold_is_refused(choice):
    with pytest.raises(UserError, match=r"parameter 'op' offers .*, but a choice must be a str, int"):
        space_with(op=CategoricalDistribution(("conv", choice)))


class Strange(BaseDistribution):
    def to_internal_repr(self, value):
        return 0.0

    def to_external_repr(self, value):
        return 0.0

    def single(self):
        return False

    def _contains(self, value):
        return True


@pytest.mark.parametrize("distribution", [Strange(), ("conv", "pool"), None])
def test_what_is_no_known_distribution_is_refused(distribution):
    with pytest.raises(UserError, match="space Made: parameter 'op' must be a distribution of Optuna"):
        space_with(op=distribution)


SPACE_FILE = """
from __future__ import annotations
from dataclasses import dataclass
from optuna.distributions import CategoricalDistribution, IntDistribution
from torch import nn
from gtn_nas.space import SearchSpace

@dataclass
class Options:
    bias: bool = True

class Mine(SearchSpace):
    name = "mine"
    parameters = {"width": IntDistribution(1, 2)}

    def build(self, architecture, task):
        return nn.Sequential(nn.Flatten(), nn.LazyLinear(task.classes, bias=Options().bias))

class Nameless(Mine):
    pass

class Unbuilt(SearchSpace):
    name = "unbuilt"
    parameters = {}

class Bare(SearchSpace):
    def build(self, architecture, task):
        return nn.Identity()

not_a_class = 3
"""


@pytest.fixture
def space_file(tmp_path):
    path = tmp_path / "my_space.py"
    path.write_text(SPACE_FILE)
    return path


def test_spaces_load_by_entry_point_and_by_file(space_file):
    assert available_spaces()["cnn_small"] == "search_spaces.cnn_small:CnnSmall"
    assert load_space("cnn_small").name == "cnn_small"
    space = load_space(f"{space_file}:Mine")
    assert (space.name, space.size) == ("mine", 2)


@pytest.mark.parametrize(
    ("class_name", "sentence"),
    [
        ("Missing", "is not a search space; name a subclass"),
        ("", "is not a search space"),
        ("not_a_class", "is not a search space"),
        ("Options", "is not a search space"),
        ("SearchSpace", "lacks 'name'; define it"),
        ("Bare", "lacks 'name'; define it"),
        ("Unbuilt", "lacks 'build'; define it"),
    ],
)
def test_a_class_that_is_no_space_is_refused(space_file, class_name, sentence):
    with pytest.raises(UserError, match=sentence):
        load_space(f"{space_file}:{class_name}")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("1 / 0", "raised ZeroDivisionError on loading: division by zero; repair it"),
        ("def", "raised SyntaxError on loading"),
        ("import no_such_module_anywhere", "raised ModuleNotFoundError on loading"),
        (SPACE_FILE.replace("IntDistribution(1, 2)", "CategoricalDistribution(('a', None))"), "offers None"),
    ],
)
def test_a_file_that_does_not_load_says_why(space_file, content, sentence):
    space_file.write_text(content)
    with pytest.raises(UserError, match=sentence):
        load_space(f"{space_file}:Mine")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("cnn_smal", "unknown search space 'cnn_smal'; use one of .*cnn_small"),
        ("", "unknown search space ''"),
        ("no/such/file.py:Mine", "no Python file .*file.py to load"),
    ],
)
def test_an_unknown_space_says_what_there_is(name, sentence):
    with pytest.raises(UserError, match=sentence):
        load_space(name)


@pytest.mark.parametrize("target", ["no_such_package.space:Space", "search_spaces.cnn_small:Absent"])
def test_a_broken_entry_point_is_refused(monkeypatch, target):
    monkeypatch.setattr("gtn_nas.space.loading.available_spaces", lambda: {"broken": target})
    with pytest.raises(UserError, match=r"'broken' (does not load|is not a search space)"):
        load_space("broken")


def test_a_space_from_a_file_reaches_worker_processes(tmp_path: Path) -> None:
    path = tmp_path / "loose.py"
    path.write_text("from search_spaces.cnn_small import CnnSmall\n\nclass Loose(CnnSmall):\n    name = 'loose'\n")
    pickled = pickle.dumps(load_space(f"{path}:Loose"))
    program = "import pickle, sys; print(pickle.loads(sys.stdin.buffer.read()).name)"
    done = subprocess.run([sys.executable, "-c", program], input=pickled, capture_output=True, check=True)
    assert done.stdout.decode().strip() == "loose"
