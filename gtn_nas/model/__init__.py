"""A trained network in a folder, and its way out: safetensors with a card, ONNX, torch.export."""

from gtn_nas.model.export import FORMS, export_model
from gtn_nas.model.saved import SavedModel, load_model, save_model

__all__ = ["FORMS", "SavedModel", "export_model", "load_model", "save_model"]
