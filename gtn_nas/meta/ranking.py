"""Train a teacher to rank: learners' losses shall order as their architectures' real accuracies do."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["ranking_loss", "shares"]

_LEAST_SPREAD = 1e-6  # of losses: nearly equal ones are not blown up


def ranking_loss(losses: Tensor, accuracies: Tensor) -> Tensor:
    """Mean logistic loss of all pairs that differ in accuracy: RankNet (Burges et al., 2005), in the losses' own unit.

    Of each pair the more accurate architecture shall have the lower loss. Differences are taken in units of the
    losses' standard deviation, which is a constant here: what matters is the order, and spreading losses does not help.

    Args:
        losses: meta-losses of one group of learners ``[M]``.
        accuracies: their architectures' real accuracies ``[M]``.

    Returns a scalar; 0 where no pair differs.
    """
    spread = losses.detach().std(correction=0).clamp_min(_LEAST_SPREAD) if len(losses) > 1 else losses.new_ones(())
    better = accuracies[:, None] > accuracies[None, :]
    if not better.any():
        return losses.sum() * 0
    wrong = (losses[:, None] - losses[None, :]) / spread  # positive where the more accurate one loses more
    return spread * F.softplus(wrong[better]).mean()


def shares(losses: Sequence[float], accuracies: Sequence[float], ranking: float) -> list[float]:
    """Return the derivative of the outer objective by each learner's meta-loss.

    The objective is ``(1 - ranking)`` times the mean meta-loss plus ``ranking`` times :func:`ranking_loss`. A learner
    whose loss is not finite takes no part in the order, but in the mean: its gradient is that of its last sound part.
    """
    found = torch.tensor(losses, dtype=torch.float64)
    sound = found.isfinite()
    leaf = found[sound].requires_grad_()
    slopes = torch.full_like(found, (1 - ranking) / len(found))
    if len(leaf) > 1:
        loss = ranking_loss(leaf, torch.tensor(accuracies, dtype=torch.float64)[sound])
        slopes[sound] += ranking * torch.autograd.grad(loss, leaf)[0]
    return slopes.tolist()
