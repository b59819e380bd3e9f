"""Trained models on corrupted and attacked images, by the verb."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gtn_nas.model import load_model
from gtn_nas.robustness import TRIALS, images_for
from gtn_nas.task import Task
from gtn_nas.training import accuracy
from tests.cli.running import refused, run


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A winner among four, trained for six epochs by the verbs."""
    folder = tmp_path_factory.mktemp("winner")
    storage = f"sqlite:///{folder / 'nas.db'}"
    run("search", "--proxy", "params", "--trials", "4", "--storage", storage, "--threads", "1")
    words = ["train-best", "cnn_small-digits", "--storage", storage, "--out", folder / "model", "--epochs", "6"]
    run(*words, "--threads", "1")
    return folder / "model"


def test_every_trial_of_a_trained_model(model: Path, digits: Task, tmp_path: Path) -> None:
    words = ["robustness", model, "--images", "100", "--threads", "1", "--out", tmp_path]
    printed = json.loads(run(*words, "--json").stdout)
    written = json.loads((tmp_path / "robustness.json").read_text())
    assert printed.items() <= written.items()
    found = printed["models"][str(model)]
    assert (found["data"], found["images"]) == ("digits", 100)
    assert list(found["curves"]) == list(TRIALS)
    clean = accuracy(load_model(model).network, digits.test.head(100))
    assert clean > 0.5
    for name, curve in found["curves"].items():
        assert [strength for strength, _ in curve] == list(TRIALS[name].strengths)
        if curve[0][0] == 0:
            assert curve[0][1] == pytest.approx(clean, abs=0.011)  # clamping moves the last bit of a value
        assert curve[-1][1] < curve[0][1]
        assert (tmp_path / "figures" / f"robustness-{name}.svg").is_file()


def test_people_get_a_table_of_each_trial(model: Path) -> None:
    shown = run("robustness", model, "--images", "20", "--trial", "noise", "--trial", "fgsm", "--threads", "1").stdout
    assert "noise: test accuracy by deviation of the noise" in shown
    assert "fgsm: test accuracy by ε" in shown
    assert "blur" not in shown
    assert [line.split()[0] for line in shown.splitlines() if line.strip()[:1] == "0"][:2] == ["0", "0.1778"]
    assert "…" not in shown


def test_models_see_images_normalised_as_they_were_trained(model: Path, digits: Task) -> None:
    mine = load_model(model)
    split, valid = images_for(mine, digits, 10)
    assert np.allclose(split.images, digits.test.images[:10], atol=1e-5)
    shifted = Task(
        "other", digits.train, digits.validation, digits.test, 10, mean=(0.0,), std=(2.0,)
    )  # the same numbers stand for other pixels
    other, _ = images_for(mine, shifted, 10)
    pixels = digits.test.images[:10] * 2
    assert np.allclose(other.images, (pixels - mine.card["pixel_mean"][0]) / mine.card["pixel_std"][0], atol=1e-5)
    assert valid.low.item() == pytest.approx(-digits.mean[0] / digits.std[0])


def test_a_model_of_fewer_training_images_meets_the_split_that_it_knows(tmp_path: Path) -> None:
    storage, trained = f"sqlite:///{tmp_path / 'nas.db'}", tmp_path / "model"
    run("search", "--proxy", "params", "--trials", "1", "--storage", storage, "--train-limit", "200", "--threads", "1")
    run("train-best", "cnn_small-digits", "--storage", storage, "--out", trained, "--epochs", "1", "--threads", "1")
    words = ["robustness", trained, "--images", "10", "--trial", "noise", "--threads", "1"]
    assert "trained on another split" not in run(*words).stderr
    (trained / "model.json").write_text(
        (trained / "model.json").read_text().replace('"train_limit": 200', '"train_limit": 100')
    )
    assert "trained on another split" in run(*words).stderr


def test_bad_input_is_one_sentence(model: Path, tmp_path: Path) -> None:
    assert "no model in" in refused("robustness", tmp_path)
    assert "unknown trial 'fog'; use one of noise, blur" in refused("robustness", model, "--trial", "fog")
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "other.npz", x=rng.integers(0, 255, (900, 12, 12), np.uint8), y=np.arange(900) % 10)
    said = refused("robustness", model, "--data", tmp_path / "other.npz")
    assert "the model takes images [1, 8, 8] of 10 classes, but other has [1, 12, 12] of 10" in said


def test_other_images_are_spoken_of(model: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "noise.npz", x=rng.integers(0, 255, (900, 8, 8), np.uint8), y=np.arange(900) % 10)
    words = ["robustness", model, "--data", tmp_path / "noise.npz", "--trial", "noise", "--images", "20"]
    assert "was trained on another split of noise, or on other data" in run(*words, "--threads", "1").stderr
