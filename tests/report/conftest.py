"""A made-up report with every section: the right structure, no meaning in its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from gtn_nas.report import Report, SearchView, TeacherView

ARCHITECTURE = {
    "stage1_op": "conv3",
    "stage1_depth": 2,
    "stage1_width": 16,
    "stage2_op": "depthwise",
    "stage2_width": 32,
    "norm": "batch",
    "activation": "relu",
    "residual": True,
    "head": "global_average",
}


def make_correlation(count: int = 36) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    quality = rng.normal(size=count)
    accuracy = 1 - 0.05 * np.exp(-0.7 * quality)
    noise = {"gtn": 0.5, "real_steps": 0.8, "params": 1.6, "flops": 2.0, "synflow": 2.5}
    scores = {name: quality + level * rng.normal(size=count) for name, level in noise.items()}
    scores |= {name: np.exp(9 + scores[name]) for name in ("params", "flops")}
    entries: dict[str, Any] = {}
    for name, values in scores.items():
        rho = float(spearmanr(values, accuracy).statistic)
        entries[name] = {
            "spearman": rho,
            "ci95": [rho - 0.3 * (1 - rho), rho + 0.2 * (1 - rho)],
            "undefined": None,
            "kendall": {"value": float(kendalltau(values, accuracy).statistic), "ci95": None, "undefined": None},
            "at": [{"k": k, "precision": 0.1 * k, "regret": 0.01 / k} for k in (1, 2, 3, 5)],
            "precision_at_5": 0.4,
            "seeds": 2,
            "regret_at_1": 0.004,
            "regret_at_5": 0.001,
            "seconds_per_architecture": 4e-5 if name == "params" else 0.41,
        }
    entries["random"] = dict.fromkeys(entries["gtn"]) | {"undefined": "every score is the same"}
    spread = {"spread95": [0.7, 0.9]}
    calibration = [
        {"trained": trained, "others": count - trained, "draws": 20, "covered": 0.94}
        | {name: {"spearman": 0.8 + trained / 1000, **spread} for name in ("raw", "calibrated", "without", "gain")}
        for trained in (16, 24)
    ]
    return {
        "calibration": {"scores": ["gtn"], "curve": calibration},
        "space": "cnn_small",
        "task": "digits",
        "n": count,
        "truth": {
            "n": count,
            "seeds": 3,
            "recipe": {"epochs": 10, "optimiser": {"name": "sgd", "lr": 0.1}},
            "seconds_per_training": 1.8,
            "accuracy": {"min": min(accuracy), "median": float(np.median(accuracy)), "max": max(accuracy)},
            "ceiling": {"spearman": 0.93, "ci95": [0.86, 0.96], "meaning": "two halves of the seeds"},
        },
        "teacher": {"curriculum": "learned", "steps": 20},
        "proxies": entries,
        "differences": {
            "real_steps": {"spearman": 0.12, "ci95": [-0.04, 0.3], "p": 0.137},
            "params": {"spearman": 0.3, "ci95": [0.1, 0.5]},
            "synflow": {"spearman": 0.5, "ci95": [0.3, 0.7]},
            "random": {"spearman": None, "ci95": None},
        },
        "architectures": [
            {
                "key": f"key{i}",
                "architecture": ARCHITECTURE,
                "accuracy": float(accuracy[i]),
                "accuracies": [float(accuracy[i] + shift) for shift in rng.normal(size=3) * 0.004],
                "scores": {name: float(values[i]) for name, values in scores.items()} | {"random": None},
            }
            for i in range(count)
        ],
        "classes": [
            {
                "parameter": "norm",
                "value": value,
                "n": 12,
                "spearman": rho,
                "ci95": [rho - 0.2, rho + 0.1],
                "undefined": None,
                "shift": shift,
                "p": 0.001,
                "warning": warning,
            }
            for value, rho, shift, warning in (
                ("batch", 0.8, 0.02, None),
                ("group", 0.4, -0.31, "norm group is placed too low by 31% of the field"),
            )
        ],
        "verdict": "The teacher ranks architectures better than their size does, at a fifth of the cost.",
        "hardware": {"cpu": "eight cores", "gpu": None},
        "versions": {"torch": "2.13.0", "gtn_nas": "0.1.0"},
    }


def make_teacher(steps: int = 20, positions: int = 30) -> TeacherView:
    rng = np.random.default_rng(1)
    number = np.arange(1, 301)
    accuracy = 0.9 - 0.7 * np.exp(-number / 60) + 0.05 * rng.normal(size=300)
    return TeacherView(
        images=rng.normal(0.4, 0.4, size=(steps, positions, 1, 8, 8)),
        labels=np.tile(np.arange(positions) % 10, (steps, 1)),
        schedule={"lr": list(0.02 * np.exp(-np.arange(steps) / 15)), "beta1": [0.9] * steps},
        curve=[
            {
                "number": int(n),
                "loss": float(0.3 + 2.3 * np.exp(-n / 80)),
                "accuracy": float(a),
                "seconds": 0.5,
            }
            for n, a in zip(number, accuracy, strict=True)
        ],
        card={"config": {"curriculum": "learned", "steps": steps}, "curve": [{"loss": 1.0}], "version": 1},
    )


def make_search(count: int = 60) -> SearchView:
    rng = np.random.default_rng(2)
    values = [float(v) if i % 17 else None for i, v in enumerate(0.5 + 0.4 * rng.beta(3 + np.arange(count) / 10, 3))]
    trials = [
        {
            "number": i,
            "value": value,
            "seconds": 0.4,
            "params": 12_000,
            "architecture": ARCHITECTURE,
            "state": "FAIL" if value is None else "COMPLETE",
        }
        for i, value in enumerate(values)
    ]
    best = sorted((t for t in trials if t["value"]), key=lambda t: -t["value"])[:5]
    verified = [
        {
            "number": t["number"],
            "value": t["value"],
            "validation_accuracy": 0.984 - 0.002 * i,
            "test_accuracy": 0.981 - 0.002 * i,
            "seconds": 1.9,
            "architecture": ARCHITECTURE,
        }
        for i, t in enumerate(best)
    ]
    return SearchView(trials=trials, verified=verified)


@pytest.fixture(scope="session")
def report() -> Report:
    return Report("gtn-nas demo: digits", make_correlation(), make_teacher(), make_search())
