"""The trials of a saved network."""

from __future__ import annotations

from torch import Tensor

from gtn_nas.errors import UserError
from gtn_nas.model import SavedModel
from gtn_nas.robustness.curve import Curve, accuracy_curve
from gtn_nas.robustness.subject import PixelRange
from gtn_nas.robustness.trials import Trial
from gtn_nas.task import Split, Task

__all__ = ["curve_of_model", "images_for"]


def images_for(model: SavedModel, task: Task, count: int | None = None) -> tuple[Split, PixelRange]:
    """Return the first ``count`` test images (all) as ``model`` wants them normalised, and the range of their values.

    Raises:
        UserError: the task has images of another shape, or other classes.
    """
    theirs, mine = (model.image_shape, model.card["classes"]), (task.image_shape, task.classes)
    if theirs != mine:
        raise UserError(
            f"the model takes images {list(theirs[0])} of {theirs[1]} classes, but {task.name} has {list(mine[0])} "
            f"of {mine[1]}; give its own with --data."
        )
    split = task.test.head(count or len(task.test))
    mean, std = model.card["pixel_mean"], model.card["pixel_std"]
    pixels = split.images * _channels(task.std, split.images) + _channels(task.mean, split.images)
    images = (pixels - _channels(mean, pixels)) / _channels(std, pixels)
    return Split(images, split.labels), PixelRange.of(mean, std, images)


def curve_of_model(model: SavedModel, trial: Trial, images: Split, valid: PixelRange, seed: int = 0) -> Curve:
    """Return (strength, accuracy) of ``trial``, the network on the images' device and in evaluation mode."""
    network = model.network.to(images.images.device).eval()
    return accuracy_curve(trial, network, images, valid, seed)


def _channels(values: tuple[float, ...], like: Tensor) -> Tensor:
    return like.new_tensor(values).view(1, -1, 1, 1)
