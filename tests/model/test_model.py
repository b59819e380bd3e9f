"""Trained networks: saved, loaded, exported, and refused when damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from gtn_nas.errors import UserError
from gtn_nas.model import SavedModel, export_model, load_model, save_model
from gtn_nas.model import export as export_module
from gtn_nas.seeding import seeded
from gtn_nas.space import Architecture
from gtn_nas.task import Task
from gtn_nas.training import Recipe, train_network
from search_spaces.cnn_small import CnnSmall

SPACE = CnnSmall()
SOME: dict[str, dict[str, Any]] = {
    "batch, max-pooling": {"norm": "batch", "downsample": "max", "head": "flatten"},
    "group, average-pooling": {"norm": "group", "downsample": "average", "head": "global_average"},
    "none, strides": {"norm": "none", "downsample": "stride", "stage2_op": "inverted3"},
}


def architecture(**changes: Any) -> Architecture:
    return SPACE.validate({**SPACE.sample_many(1, 4)[0], **changes})


def trained(task: Task, chosen: Architecture) -> SavedModel:
    with seeded(0):
        network = SPACE.build(chosen, task)
        train_network(network, task, Recipe(epochs=1), 0)
    card = {
        "space": "cnn_small", "space_source": "cnn_small", "space_fingerprint": SPACE.fingerprint,
        "architecture": chosen, "image_shape": list(task.image_shape), "classes": task.classes,
        "pixel_mean": list(task.mean), "pixel_std": list(task.std),
    }  # fmt: skip
    return SavedModel(network.eval(), card)


@pytest.fixture
def model(digits: Task) -> SavedModel:
    return trained(digits, architecture(**SOME["batch, max-pooling"]))


def test_a_network_that_holds_a_layer_twice_is_saved(tmp_path: Path) -> None:
    layer = torch.nn.Linear(4, 4)
    network = torch.nn.Sequential(layer, torch.nn.ReLU(), layer)
    save_model(SavedModel(network, {}), tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    assert torch.equal(weights["0.weight"], weights["2.weight"])
    assert torch.equal(weights["0.weight"], layer.weight)


def test_a_saved_model_is_what_it_was(digits: Task, model: SavedModel, tmp_path: Path) -> None:
    save_model(model, tmp_path)
    again = load_model(tmp_path)
    images = digits.test.images[:20]
    with torch.no_grad():
        assert torch.equal(again.network(images), model.network(images))
        pixels = images * torch.tensor(digits.std).view(1, -1, 1, 1) + torch.tensor(digits.mean).view(1, -1, 1, 1)
        assert torch.allclose(again.from_pixels()(pixels), model.network(images), atol=1e-5)
    assert again.card["architecture"] == model.card["architecture"]


@pytest.mark.parametrize("form", ["onnx", "pt2"])
@pytest.mark.parametrize("kind", SOME)
def test_exports_compute_what_pytorch_does(digits: Task, tmp_path: Path, kind: str, form: str) -> None:
    model = trained(digits, architecture(**SOME[kind]))
    path = tmp_path / f"model.{form}"
    assert export_model(model, form, path) < 1e-4
    images = torch.rand(7, *digits.image_shape)  # neither of the sizes that it was checked with
    with torch.no_grad():
        expected = model.from_pixels()(images)
    if form == "onnx":
        from onnx.reference import ReferenceEvaluator

        (found,) = ReferenceEvaluator(str(path)).run(None, {"images": images.numpy()})
    else:
        found = torch.export.load(path).module()(images).detach().numpy()
    assert np.abs(found - expected.numpy()).max() < 1e-4


def test_an_export_that_deviates_is_not_written(
    model: SavedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {"pt2": lambda network, _: (b"", lambda images: network(images) + 0.01)}
    monkeypatch.setattr(export_module, "FORMS", wrong)
    with pytest.raises(UserError, match=r"deviates from PyTorch by 0\.01 in its logits"):
        export_model(model, "pt2", tmp_path / "model.pt2")
    assert not (tmp_path / "model.pt2").exists()


def test_a_missing_package_is_named(model: SavedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_module, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs onnx and onnxscript; pip install '\.\[export\]'"):
        export_model(model, "onnx", tmp_path / "model.onnx")


def test_damaged_models_are_refused(model: SavedModel, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no model in .* train one with gtn-nas train-best"):
        load_model(tmp_path)
    save_model(model, tmp_path)
    card = json.loads((tmp_path / "model.json").read_text())
    for changes, says in (
        ({"space_fingerprint": "0"}, "which is now another"),
        ({"architecture": dict(card["architecture"], stage1_width=16)}, "do not fit its card"),
        ({"image_shape": 8}, "damaged"),
    ):
        (tmp_path / "model.json").write_text(json.dumps({**card, **changes}))
        with pytest.raises(UserError, match=says):
            load_model(tmp_path)
    (tmp_path / "model.json").write_text(json.dumps(card))
    (tmp_path / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(UserError, match="damaged"):
        load_model(tmp_path)
