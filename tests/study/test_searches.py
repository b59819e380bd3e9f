"""Studies that give searches the same seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from gtn_nas.proxy.real_training import FullTraining
from gtn_nas.search import evaluate
from gtn_nas.space import Architecture, load_space
from gtn_nas.study.searches import Searches
from gtn_nas.study.workshop import Workshop
from gtn_nas.task import Task, load_task
from gtn_nas.training import Recipe

PLAIN = {
    "data": "digits",
    "train_limit": 64,
    "seeds": 2,
    "space": "cnn_small",
    "seconds": 1.0,
    "stops": [0.5],
    "searches": {"taught": {"score": "gtn.loss"}, "random": {"score": "full_training", "sampler": "random"}},
    "teacher": {
        "space": "cnn_small",
        "teacher": {"steps": 4, "batch_size": 10},
        "meta": {"iterations": 1, "real_batch": 16, "validate_every": 0},
    },
    "recipe": {"epochs": 1},
}


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    """What PyTorch imports for the first network of a process would take all the seconds."""
    space, task = load_space("cnn_small"), load_task("digits", torch.device("cpu"), 64)
    evaluate(FullTraining(space, task, Recipe(epochs=1)), space.sample_many(1, 0)[0], 1)


def few_of(task: Task) -> Task:
    return replace(task, train=task.train.head(64))


def test_searches_of_one_seed_stand_together_and_a_teacher_concerns_its_own() -> None:
    runs = Searches.model_validate(PLAIN).runs()
    assert [(run.variant, run.seed) for run in runs] == [("taught", 0), ("random", 0), ("taught", 1), ("random", 1)]
    other = Searches.model_validate({**PLAIN, "teacher": {"space": "cnn_small"}}).runs()
    assert [run.variant for run, new in zip(runs, other, strict=True) if run.key != new.key] == ["taught", "taught"]


def test_a_search_is_given_its_seconds_and_its_winner_is_trained(digits: Task, tmp_path: Path) -> None:
    plan = Searches.model_validate(PLAIN)
    outcome = plan.execute(plan.runs()[1], Workshop(few_of(digits), tmp_path))
    assert 0 < outcome.figures["accuracy"] <= 1
    assert [seconds for seconds, _ in outcome.series["found"]] == [0.5, 1.0]
    assert outcome.series["found"][-1][1] == outcome.figures["accuracy"]
    assert outcome.samples["candidates"][0] > 1


def test_a_teacher_is_paid_for_by_its_search(digits: Task, tmp_path: Path) -> None:
    plan = Searches.model_validate(PLAIN)
    outcome = plan.execute(plan.runs()[0], Workshop(few_of(digits), tmp_path))
    assert "accuracy" not in outcome.figures  # its training alone took longer
    assert outcome.series["found"] == []
    assert 0 < outcome.figures["at_hand"] <= 1


def test_each_repetition_has_its_own_initialisations(
    digits: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Searches.model_validate({**PLAIN, "seconds": 0.01, "stops": []})
    seeds = list[int]()

    def note(self: FullTraining, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        seeds.append(seed)
        return 0.5, {}

    monkeypatch.setattr(FullTraining, "measure", note)
    for run in plan.runs()[1::2]:
        seeds.append(-1)
        plan.execute(run, Workshop(few_of(digits), tmp_path))
    first, second = (set(seeds[: seeds.index(-1, 1)]), set(seeds[seeds.index(-1, 1) :]))
    assert (first, second) == ({-1, 0}, {-1, 1})


def test_what_cannot_be_done_is_refused() -> None:
    with pytest.raises(ValidationError, match="greater than 0"):
        Searches.model_validate({**PLAIN, "seconds": 0})
    with pytest.raises(ValidationError, match="unknown proxy 'gtm'"):
        Searches.model_validate({**PLAIN, "searches": {"a": {"score": "flops+gtm.loss"}}})
    with pytest.raises(ValidationError, match="unknown sampler 'tpee'"):
        Searches.model_validate({**PLAIN, "searches": {"a": {"score": "flops", "sampler": "tpee"}}})
    with pytest.raises(ValidationError, match="less than 1"):
        Searches.model_validate({**PLAIN, "stops": [1.0]})
