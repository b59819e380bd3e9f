"""The principal axes of a task's real images: coordinates in which all of them are spread alike."""

from __future__ import annotations

import torch
from scipy.linalg import eigh
from torch import Tensor, nn

from gtn_nas.task import Task

__all__ = ["PrincipalAxes"]

_MOST = 1024  # axes; they hold all but 0.005 of CIFAR-10's variance
_IMAGES = 4096  # real images they are found by
_FLOOR = 1e-3  # least variance along an axis, in units of the mean one: none of them is stuck


class PrincipalAxes(nn.Module):
    """Images ``[N, C, H, W]`` as coordinates ``[N, K]`` along the principal axes, whitened, and back.

    K is the number of pixels, or 1024, or what the real images have; with fewer axes than pixels an image comes back as
    its projection.
    """

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.shape = task.image_shape
        chosen = torch.randperm(len(task.train), generator=torch.Generator().manual_seed(0))[:_IMAGES]
        images = task.train.images[chosen.to(task.train.images.device)].cpu().flatten(1).double()
        mean = images.mean(0)
        variances, axes = _principal(images - mean)
        spread = variances.clamp_min(_FLOOR * float(variances.mean())).sqrt()
        self.mean: Tensor
        self.axes: Tensor  # [K, pixels], as long as real images are spread along them
        self.register_buffer("mean", mean.float())
        self.register_buffer("axes", (axes * spread).T.float().contiguous())
        self.count = len(spread)

    def forward(self, coordinates: Tensor) -> Tensor:
        """Return the images with these ``coordinates``."""
        flat: Tensor = torch.addmm(self.mean, coordinates, self.axes)
        return flat.view(-1, *self.shape)

    def inverse(self, images: Tensor) -> Tensor:
        """Return the coordinates of ``images``."""
        lengths = self.axes.square().sum(1)
        return (images.flatten(1) - self.mean) @ self.axes.T / lengths


def _principal(centred: Tensor) -> tuple[Tensor, Tensor]:
    """Return variances ``[K]`` and axes ``[pixels, K]`` of images ``[N, pixels]`` around zero."""
    count, pixels = centred.shape
    if pixels <= count:
        return _largest(centred.T @ centred / count)
    variances, found = _largest(centred @ centred.T / count)  # images span less than all pixels
    kept = variances > 1e-9 * variances.max()
    axes = centred.T @ found[:, kept]
    return variances[kept], axes / axes.norm(dim=0)


def _largest(matrix: Tensor) -> tuple[Tensor, Tensor]:
    size = len(matrix)
    values, vectors = eigh(matrix.numpy(), subset_by_index=(max(0, size - _MOST), size - 1))
    return torch.from_numpy(values), torch.from_numpy(vectors)
