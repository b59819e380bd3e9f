"""Fit a generator to real images, so that meta-training starts from sense."""

from __future__ import annotations

import math
import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gtn_nas.teacher.generators import Generator

__all__ = ["fit_to_images"]

_BATCH = 256


def fit_to_images(
    generator: Generator,
    latents: Tensor,
    labels: Tensor,
    images: Tensor,
    steps: int,
    rng: torch.Generator,
    seconds: float = math.inf,
) -> float:
    """Fit ``generator``, and ``latents`` ``[N, L]`` if they are a parameter, to ``images`` by squared error.

    Every latent has one image of its class (generative latent optimisation; Bojanowski et al., 2018); it takes
    ``steps``, or ends when ``seconds`` are over. Returns the last mean squared error.
    """
    learned = [latents] if isinstance(latents, nn.Parameter) else []
    optimiser = torch.optim.Adam([*learned, *generator.parameters()], lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(1, steps), eta_min=1e-3)
    error, deadline = float("nan"), time.monotonic() + seconds
    for _ in range(steps):
        if time.monotonic() > deadline:
            break
        part = torch.randperm(len(labels), generator=rng)[:_BATCH].to(labels.device)
        loss = F.mse_loss(generator(latents[part], labels[part]), images[part])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        error = float(loss.detach())
    return error
