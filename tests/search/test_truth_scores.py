"""Scores of a truth table, kept with the study that is calibrated by them."""

from __future__ import annotations

from pathlib import Path

import optuna

from gtn_nas.proxy import Flops, Params, Proxy
from gtn_nas.search import make_sampler, open_study
from gtn_nas.search.truth_scores import keep_truth_scores, kept_truth_scores
from gtn_nas.task import Task
from search_spaces.cnn_small import CnnSmall

SPACE = CnnSmall()


def made(storage: str, name: str, proxy: Proxy, seeds: int = 1) -> optuna.Study:
    return open_study(storage, name, proxy, seeds, make_sampler("random", 0, SPACE))


def test_what_a_study_was_calibrated_by_first_stays(digits: Task, tmp_path: Path) -> None:
    storage, proxy = f"sqlite:///{tmp_path / 's.db'}", Params(SPACE, digits)
    assert kept_truth_scores(None, proxy, 1) == kept_truth_scores(storage, proxy, 1) == {}
    study = made(storage, "one", proxy)
    keep_truth_scores(study, proxy, {"a": -0.341, "b": None})
    keep_truth_scores(study, proxy, {"a": -0.275})
    keep_truth_scores(made(storage, "two", proxy), proxy, {"a": -0.275, "c": 0.1 + 0.2})
    assert kept_truth_scores(storage, proxy, 1) == {"a": -0.341, "b": None, "c": 0.1 + 0.2}


def test_scores_of_another_proxy_or_of_more_initialisations_are_others(digits: Task, tmp_path: Path) -> None:
    storage, proxy = f"sqlite:///{tmp_path / 's.db'}", Params(SPACE, digits)
    keep_truth_scores(made(storage, "one", proxy), proxy, {"a": 1.0})
    assert kept_truth_scores(storage, proxy, 2) == kept_truth_scores(storage, Flops(SPACE, digits), 1) == {}
