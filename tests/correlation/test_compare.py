"""The content of correlation.json."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from gtn_nas.correlation import TruthTable, compare, proxies_of, score_all
from gtn_nas.correlation.classes import by_class
from gtn_nas.correlation.compare import verdict
from gtn_nas.errors import UserError
from gtn_nas.proxy import Flops, Params, Proxy, Random
from gtn_nas.space import Architecture
from gtn_nas.task import Task
from search_spaces.cnn_small import CnnSmall

SPACE = CnnSmall()


class Oracle(Proxy):
    """Knows the truth; noise by seed."""

    name = "gtn"

    def __init__(self, task: Task, table: TruthTable, constant: bool = False) -> None:
        super().__init__(SPACE, task)
        self.known = dict(zip(table.keys, table.mean, strict=True))
        self.constant = constant

    @property
    def fingerprint(self) -> str:
        return "oracle"

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        return 0.5 if self.constant else float(self.known[SPACE.key(architecture)]), {}


@pytest.fixture
def table() -> TruthTable:
    architectures = SPACE.sample_many(20, 0)
    rng = np.random.default_rng(0)
    accuracies = rng.uniform(0.5, 0.9, size=(20, 1)) + rng.normal(scale=0.01, size=(20, 3))
    return TruthTable(
        architectures, [SPACE.key(a) for a in architectures], accuracies, 2.5, {"epochs": 10}, accuracies.mean(axis=1)
    )


def test_a_table_without_what_the_teacher_was_chosen_by(table: TruthTable) -> None:
    rest = table.without(table.keys[3:])
    assert rest.keys == table.keys[:3]
    assert rest.architectures == table.architectures[:3]
    assert np.array_equal(rest.accuracies, table.accuracies[:3])
    assert [accuracy for _, accuracy in rest.validated] == table.validation[:3].tolist()
    with pytest.raises(UserError, match="every architecture of the truth table served to choose a teacher"):
        table.without(table.keys)


def test_the_whole(digits: Task, table: TruthTable) -> None:
    seen: list[tuple[str, int, int]] = []
    proxies = [Oracle(digits, table), Params(SPACE, digits), Flops(SPACE, digits), Random(SPACE, digits)]
    content = compare(table, proxies, seeds=2, on_score=lambda *args: seen.append(args))
    json.dumps(content, allow_nan=False)
    assert content["n"] == 20
    assert len(seen) == 80
    gtn = content["proxies"]["gtn"]
    assert gtn["spearman"] == pytest.approx(1.0)
    assert gtn["precision_at_5"] == 1
    assert gtn["regret_at_1"] == 0
    assert gtn["seconds_per_architecture"] > 0
    assert [content["proxies"][name]["seeds"] for name in ("gtn", "params", "random")] == [2, 1, 2]
    assert set(content["differences"]) == {"params", "flops", "random"}
    for name, difference in content["differences"].items():
        assert difference["spearman"] == pytest.approx(1 - content["proxies"][name]["spearman"])
    assert content["truth"]["ceiling"]["spearman"] > 0.9
    assert content["truth"]["seconds_per_training"] == 2.5
    assert content["architectures"][3]["scores"]["params"] == SPACE.cost(table.architectures[3], digits).params
    assert content["verdict"].startswith("gtn ranks architectures with Spearman 1.00")
    assert content["failures"] is None


def test_other_readings_and_sums_of_ranks_are_columns(digits: Task, table: TruthTable) -> None:
    class Reader(Params):
        readings = ("upside_down",)

        def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
            value, _ = super().measure(architecture, seed)
            return value, {"upside_down": -value}

    proxies = [Oracle(digits, table), Reader(SPACE, digits), Flops(SPACE, digits)]
    columns = ["gtn", "params.upside_down", "params+flops", "gtn+params.upside_down"]
    content = compare(table, proxies, seeds=1, columns=columns)
    assert list(content["proxies"]) == columns
    params, flops = (proxy.score for proxy in proxies[1:])
    values = [[score(architecture, 0).value for architecture in table.architectures] for score in (params, flops)]
    upside = content["proxies"]["params.upside_down"]["spearman"]
    assert upside == pytest.approx(-stats.spearmanr(values[0], table.mean).statistic)
    both = stats.rankdata(values[0]) + stats.rankdata(values[1])
    assert [row["scores"]["params+flops"] for row in content["architectures"]] == both.tolist()
    cost = {name: entry["seconds_per_architecture"] for name, entry in content["proxies"].items()}
    assert cost["params+flops"] > cost["params.upside_down"]
    assert proxies_of(columns) == ["gtn", "params", "flops"]
    with pytest.raises(UserError, match=r"proxy params has no reading 'loss'; it has upside_down\."):
        compare(table, proxies, seeds=1, columns=["gtn", "params.loss"], on_score=lambda *_: pytest.fail("too late"))


def test_classes_that_are_misplaced_or_badly_ranked_are_told() -> None:
    architectures = SPACE.sample_many(120, 5)
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.5, 0.9, 120)
    group = np.array([architecture["norm"] == "group" for architecture in architectures])
    flat = np.array([architecture["head"] == "flatten" for architecture in architectures])
    sound = by_class(SPACE, architectures, truth + 0.01 * rng.normal(size=120), truth, rng.uniform(size=120))
    assert all(entry["warning"] is None for entry in sound)
    assert {"norm", "head", "stage1_op", "size"} <= {entry["parameter"] for entry in sound}
    scores = truth - 0.3 * group
    told = {(e["parameter"], e["value"]): e for e in by_class(SPACE, architectures, scores, truth, truth)}
    assert told["norm", "group"]["shift"] < -0.2
    assert "norm group is placed too low by" in told["norm", "group"]["warning"]
    assert told["norm", "group"]["spearman"] == pytest.approx(1)
    scores = np.where(flat, rng.uniform(0.5, 0.9, 120), truth)
    told = {(e["parameter"], e["value"]): e for e in by_class(SPACE, architectures, scores, truth, truth)}
    assert "head flatten is ranked worse than the whole" in told["head", "flatten"]["warning"]
    assert told["head", "global_average"]["warning"] is None


def test_nothing_is_said_about_classes_of_undefined_scores() -> None:
    architectures, truth = SPACE.sample_many(20, 0), np.linspace(0, 1, 20)
    assert by_class(SPACE, architectures, np.where(truth > 0.5, np.nan, truth), truth, truth) == []
    assert by_class(SPACE, architectures[:8], truth[:8], truth[:8], truth[:8]) == []


def test_parallel_workers_give_the_same_scores(digits: Task, table: TruthTable) -> None:
    proxies = [Params(SPACE, digits), Random(SPACE, digits)]
    alone, together = score_all(proxies, table, 2), score_all(proxies, table, 2, workers=2)
    for name in ("params", "random"):
        assert np.array_equal(alone[name].values, together[name].values)
        assert alone[name].seeds == together[name].seeds


def test_a_candidate_that_cannot_be_scored_is_listed_with_its_reason(digits: Task, table: TruthTable) -> None:
    class Fragile(Params):
        def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
            if architecture == table.architectures[3]:
                raise KeyError("no such layer")
            if architecture == table.architectures[5]:
                return float("inf"), {}
            return super().measure(architecture, seed)

    content = compare(table, [Oracle(digits, table), Fragile(SPACE, digits)], seeds=1)
    json.dumps(content, allow_nan=False)
    entry = content["proxies"]["params"]
    assert entry["undefined"] == "2 of 20 architectures failed"
    assert entry["failed"] == [
        {"key": table.keys[3], "reason": "KeyError: 'no such layer'"},
        {"key": table.keys[5], "reason": "score is not finite: [inf]"},
    ]
    assert entry["seconds_per_architecture"] > 0
    assert [content["architectures"][number]["scores"]["params"] for number in (3, 5)] == [None, None]
    assert content["differences"]["params"]["undefined"] == "2 of 20 architectures failed"
    assert content["failures"] == "Scoring failed for params on 2 of 20 (first reason: KeyError: 'no such layer')."
    assert content["proxies"]["gtn"]["failed"] == []


def test_a_proxy_that_fails_everywhere_has_no_cost(digits: Task, table: TruthTable) -> None:
    class Broken(Params):
        def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
            raise RuntimeError

        readings = ("late",)

    content = compare(table, [Broken(SPACE, digits)], seeds=1, columns=["params", "params.late"])
    json.dumps(content, allow_nan=False)
    assert content["proxies"]["params.late"]["undefined"] == "20 of 20 architectures failed"
    assert content["proxies"]["params"]["seconds_per_architecture"] is None
    assert content["verdict"] == "The rank correlation of params is not defined: 20 of 20 architectures failed."


def test_a_constant_proxy_is_undefined_everywhere(digits: Task, table: TruthTable) -> None:
    content = compare(table, [Oracle(digits, table, constant=True), Params(SPACE, digits)], seeds=1)
    json.dumps(content, allow_nan=False)
    assert content["proxies"]["gtn"]["spearman"] is None
    assert content["proxies"]["gtn"]["undefined"] == "all scores are equal"
    assert content["differences"]["params"]["spearman"] is None
    assert content["verdict"] == "The rank correlation of gtn is not defined: all scores are equal."


@pytest.mark.parametrize(
    ("ci95", "words"),
    [
        ([0.1, 0.3], "better than rival."),
        ([-0.3, -0.1], "worse than rival."),
        ([-0.1, 0.5], "undecided with rival."),
        ([-0.5, 0.1], "undecided with rival."),
    ],
)
def test_the_verdict_claims_what_the_interval_settles(ci95: list[float], words: str) -> None:
    entries = {
        "gtn": {"spearman": 0.8, "ci95": [0.6, 0.9], "undefined": None, "seconds_per_architecture": 2.0},
        "rival": {"seconds_per_architecture": 0.05},
    }
    differences = {"rival": {"spearman": sum(ci95) / 2, "ci95": ci95}}
    text = verdict("gtn", entries, differences)
    assert text.startswith("gtn ranks architectures with Spearman 0.80 [0.60, 0.90]")
    assert words in text
    difference = f"{sum(ci95) / 2:+.2f} [{ci95[0]:+.2f}, {ci95[1]:+.2f}]".replace("-", "\N{MINUS SIGN}")
    assert text.endswith(f"Its lead over the strongest rival, rival, is {difference}, at 40 times its cost.")


def test_many_rivals_are_counted_not_named() -> None:
    entries = {"gtn": {"spearman": 0.8, "ci95": None, "undefined": None, "seconds_per_architecture": None}}
    names = [f"rival{number}" for number in range(6)]
    entries |= {name: {"seconds_per_architecture": None} for name in names}
    text = verdict("gtn", entries, {name: {"spearman": 0.2, "ci95": [0.1, 0.3]} for name in names})
    assert text.startswith("gtn ranks architectures with Spearman 0.80, better than 6 rivals.")
    assert text.endswith("is +0.20 [+0.10, +0.30].")
    for cost, words in (
        (1.0, "at about its cost."),
        (0.2, "at 5 times its cost."),
        (300.0, "at 0.0033 times its cost."),
    ):
        entries["gtn"]["seconds_per_architecture"], entries["rival0"]["seconds_per_architecture"] = 1.0, cost
        assert verdict("gtn", entries, {"rival0": {"spearman": 0.2, "ci95": None}}).endswith(words)


def test_calibration_uses_what_the_leader_has_paid_for(digits: Task) -> None:
    architectures = SPACE.sample_many(40, 0)
    accuracies = np.random.default_rng(0).uniform(0.5, 0.9, size=(40, 1))
    known = TruthTable(architectures, [SPACE.key(a) for a in architectures], accuracies, 1.0, {}, accuracies[:, 0])
    proxies: list[Proxy] = [Params(SPACE, digits), Flops(SPACE, digits)]
    for leader, used in (
        ("params", ["params"]),
        ("params+flops", ["params+flops", "params", "flops"]),
    ):
        columns = [leader, *(name for name in ("params", "params+flops", "flops") if name != leader)]
        content = compare(known, proxies, seeds=1, columns=columns)
        assert content["calibration"]["scores"] == used
