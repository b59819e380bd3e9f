"""Where a lesson's images come from: a generator, learned pixels or components, or the real training images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gtn_nas.task import Task, balanced_images
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.curriculum import places
from gtn_nas.teacher.fit import fit_to_images
from gtn_nas.teacher.generators import GENERATORS, PixelRange
from gtn_nas.teacher.principal import PrincipalAxes

__all__ = ["SOURCES", "Components", "Distilled", "Generated", "Pixels", "Real", "Samples", "Source"]


class Samples(NamedTuple):
    """A lesson's images ``[T·B, C, H, W]``, their classes ``[T·B]``, and which stored samples they are ``[T·B]``."""

    images: Tensor
    labels: Tensor
    places: Tensor


class Source(nn.Module, ABC):
    """Makes the images of a lesson.

    Samples are of the classes 0, 1, 2, … in turn, so that every batch is balanced.
    """

    def __init__(self, config: TeacherConfig, task: Task) -> None:
        super().__init__()
        self.config, self.classes = config, task.classes
        self.count = config.steps * config.batch_size

    @abstractmethod
    def forward(self, rng: torch.Generator) -> Samples:
        """Make the images; ``rng`` (on the CPU) decides what is random about them."""

    @abstractmethod
    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return what is learned, under the names that :class:`gtn_nas.meta.MetaConfig` has rates for."""

    def resemble(self, task: Task, steps: int, rng: torch.Generator, seconds: float) -> None:
        """Begin with images like real ones of their classes, for ``steps`` or until ``seconds`` are over."""

    def _order(self, rng: torch.Generator, device: torch.device) -> Tensor:
        return places(self.config.curriculum, self.config.steps, self.config.batch_size, rng).to(device)


class Generated(Source):
    """Images that a generator makes of latents: the generative teaching network."""

    def __init__(self, config: TeacherConfig, task: Task) -> None:
        super().__init__(config, task)
        self.generator = GENERATORS[config.generator](config.latent, config.width, task)
        self.latents: Tensor
        latents = self._draw(None)
        if config.curriculum in ("random_fixed", "random"):
            self.register_buffer("latents", latents)
        else:
            self.latents = nn.Parameter(latents)

    def forward(self, rng: torch.Generator) -> Samples:
        """Generate all images at once."""
        order = self._order(rng, self.latents.device)
        latents = self.latents[order]
        if self.config.curriculum == "random":
            latents = self._draw(rng).to(latents.device)
        labels = order % self.classes
        return Samples(self.generator(latents, labels), labels, order)

    def _draw(self, rng: torch.Generator | None) -> Tensor:
        return self.generator.draw_latents((self.count, self.config.latent), rng)

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return the generator's parameters and, where they are learned, the latents."""
        learned = {"latents": [self.latents]} if isinstance(self.latents, nn.Parameter) else {}
        return {"generator": list(self.generator.parameters()), **learned}

    def resemble(self, task: Task, steps: int, rng: torch.Generator, seconds: float) -> None:
        """Fit generator and learned latents to real images, one for each latent."""
        chosen = balanced_images(task, self.count, rng).to(self.latents.device)
        labels = torch.arange(self.count, device=self.latents.device) % self.classes
        fit_to_images(self.generator, self.latents, labels, task.train.images[chosen], steps, rng, seconds)


class Distilled(Source):
    """Images learned one by one, without a generator (dataset distillation; Wang et al., 2018).

    Args:
        config, task: as for every source.
        form: makes images ``[N, C, H, W]`` of what is learned, and back by ``inverse``.
        size: of what is learned for one image.
    """

    def __init__(
        self, config: TeacherConfig, task: Task, form: PixelRange | PrincipalAxes, size: tuple[int, ...]
    ) -> None:
        super().__init__(config, task)
        self.form = form
        self.pixels = nn.Parameter(torch.randn(self.count, *size))

    def forward(self, rng: torch.Generator) -> Samples:
        """Return the images in the curriculum's order."""
        order = self._order(rng, self.pixels.device)
        return Samples(self.form(self.pixels[order]), order % self.classes, order)

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return what is learned; components share the pixels' rate."""
        return {"pixels": [self.pixels]}

    @torch.no_grad()
    def resemble(self, task: Task, steps: int, rng: torch.Generator, seconds: float) -> None:
        """Begin with real images."""
        chosen = balanced_images(task, self.count, rng).to(self.pixels.device)
        self.pixels.copy_(self.form.inverse(task.train.images[chosen]))


class Pixels(Distilled):
    """Images learned pixel by pixel."""

    def __init__(self, config: TeacherConfig, task: Task) -> None:
        super().__init__(config, task, PixelRange(task), task.image_shape)


class Components(Distilled):
    """Images learned as whitened principal components of the real ones.

    Every step is then as large along an axis as real images are spread along it. What the meta-gradients of different
    learners share lies along the few long axes (docs/inner.md); pixel by pixel it drowns in what is each one's own.
    """

    def __init__(self, config: TeacherConfig, task: Task) -> None:
        axes = PrincipalAxes(task)
        super().__init__(config, task, axes, (axes.count,))


class Real(Source):
    """Real training images, drawn anew for every lesson: only the schedule can be learned."""

    def __init__(self, config: TeacherConfig, task: Task) -> None:
        super().__init__(config, task)
        self.task = task

    def forward(self, rng: torch.Generator) -> Samples:
        """Draw images, class by class in turn."""
        images, labels = self.task.train.images, self.task.train.labels
        chosen = balanced_images(self.task, self.count, rng).to(images.device)
        return Samples(images[chosen], labels[chosen], torch.arange(self.count, device=images.device))

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return nothing."""
        return {}


SOURCES: dict[str, type[Source]] = {
    "generator": Generated,
    "distilled_pixels": Pixels,
    "distilled_components": Components,
    "real": Real,
}
