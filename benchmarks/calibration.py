"""Claim: a few real trainings improve a score, chosen at random or a search's own favourites.

    python benchmarks/calibration.py CORRELATION.json [--score gtn] [--draws 40] [--append FILE]

CORRELATION.json: of gtn-nas correlate. Many times: (1) fit to K random architectures, rank the others; (2) play a
search in rounds of 8 on a random 70 %: train the 8 best by the current score, calibrate, go on. Beside the package's
model: the score as it is, and ridge regression with all strengths left to the evidence (scikit-learn's BayesianRidge).
Prints one line of JSON: mean Spearman on the others for every K, and mean true accuracy of the 8 taken in every round.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from result_line import hand_over
from scipy.special import logit
from scipy.stats import spearmanr
from sklearn.linear_model import BayesianRidge

from gtn_nas.calibration import Calibration, Features
from gtn_nas.space import load_space

ROUND, ROUNDS, SHARE = 8, 3, 0.7
Rank = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def by_score(table: np.ndarray, accuracy: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The score itself: the first column."""
    return table[:, 0]


def by_model(table: np.ndarray, accuracy: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The package's model."""
    return Calibration.fit(table[known], accuracy[known]).predict(table).accuracy


def by_evidence(table: np.ndarray, accuracy: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Ridge regression without a prior of ours."""
    return BayesianRidge().fit(table[known], logit(np.clip(accuracy[known], 1e-3, 1 - 1e-3))).predict(table)


RANKINGS: dict[str, Rank] = {"score": by_score, "calibrated": by_model, "evidence alone": by_evidence}


def on_others(rank: Rank, table: np.ndarray, accuracy: np.ndarray, trained: int, draws: int) -> list[float]:
    """Return Spearman on the architectures that are not among ``trained`` random ones, for every draw."""
    found = []
    for draw in range(draws):
        order = np.random.default_rng(draw).permutation(len(accuracy))
        known, others = order[:trained], order[trained:]
        found.append(float(spearmanr(rank(table, accuracy, known)[others], accuracy[others]).statistic))
    return found


def in_rounds(rank: Rank, table: np.ndarray, accuracy: np.ndarray, draws: int) -> np.ndarray:
    """Return the mean accuracy of what each round trained ``[draws, rounds]``."""
    found = np.zeros((draws, ROUNDS))
    for draw in range(draws):
        some = np.random.default_rng(draw).permutation(len(accuracy))[: round(SHARE * len(accuracy))]
        known: list[int] = []
        for number in range(ROUNDS):
            values = (by_score if number == 0 else rank)(table[some], accuracy[some], np.array(known, dtype=int))
            new = [index for index in np.argsort(-values, kind="stable") if index not in known][:ROUND]
            known += new
            found[draw, number] = accuracy[some][new].mean()
    return found


def _summary(found: np.ndarray) -> dict[str, object]:
    return {"mean": found.mean(axis=0).tolist(), "std": found.std(axis=0).tolist()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("correlation", type=Path)
    parser.add_argument("--score", default="gtn")
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--append", type=Path)
    options = parser.parse_args()
    content = json.loads(options.correlation.read_text(encoding="utf-8"))
    rows, space = content["architectures"], load_space(content["space"])
    accuracy = np.array([row["accuracy"] for row in rows])
    scores = {name: np.array([float(row["scores"][name]) for row in rows]) for name in rows[0]["scores"]}
    described = [row["architecture"] for row in rows], {name: scores[name] for name in ("params", "flops")}
    used = {options.score: scores[options.score]}
    table = Features.of(space, *described, used)(*described, used)
    sizes = [trained for trained in (8, 16, 24, 48) if len(rows) - trained >= 12]
    curve = {
        name: {trained: on_others(rank, table, accuracy, trained, options.draws) for trained in sizes}
        for name, rank in RANKINGS.items()
    }
    rounds = {name: in_rounds(rank, table, accuracy, options.draws) for name, rank in RANKINGS.items()}
    result = {
        "claim": "a few real trainings improve a score",
        "command": f"python benchmarks/calibration.py {options.correlation.name} --score {options.score}",
        "task": content["task"], "space": content["space"], "n": len(rows), "draws": options.draws,
        "spearman_on_others": {
            name: {str(trained): _summary(np.array(found)) for trained, found in by_size.items()}
            for name, by_size in curve.items()
        },
        "accuracy_of_rounds": {name: _summary(found) for name, found in rounds.items()},
    }  # fmt: skip
    hand_over(result, torch.device("cpu"), options.append)


if __name__ == "__main__":
    main()
