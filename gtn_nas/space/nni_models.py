"""NNI's model spaces as spaces of ours: their choices are the parameters, a sample is built fresh."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
from torch import nn

from gtn_nas.errors import UserError
from gtn_nas.nni_import import import_nni
from gtn_nas.seeding import seeded
from gtn_nas.space.base import Architecture, ImageTask, SearchSpace
from gtn_nas.space.fitting import fit_network, fitting_arguments, runs
from gtn_nas.space.nni_choices import Choices, read_choices
from gtn_nas.space.nni_names import defaults_of, find_model_space, split_arguments

__all__ = ["ModelSpace", "load_model_space"]

_PATIENCE = 10_000  # draws in search of one that the space's constraints allow


class ModelSpace(SearchSpace):
    """One of NNI's model spaces; :func:`load_model_space` makes a subclass of its own for each.

    Networks are fitted to a task's channels and classes: by the constructor's arguments where it has them, else by
    exchanging the first convolution and the last linear layer. ``template`` is NNI's own space, all choices open.
    """

    make: ClassVar[Callable[..., Any]]
    given: ClassVar[Mapping[str, Any]]
    choices: ClassVar[Choices]
    template: ClassVar[Any]

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draw an architecture that the space's constraints allow.

        Raises:
            UserError: none turned up.
        """
        for _ in range(_PATIENCE):
            drawn = super().sample(rng)
            if self.allows(drawn):
                return drawn
        raise UserError(f"space {self.name!r} has no legal architecture among {_PATIENCE:,} draws; use another space.")

    def neighbours(self, architecture: Architecture) -> Iterator[Architecture]:
        """Yield every legal architecture that differs in one parameter."""
        return (one for one in super().neighbours(architecture) if self.allows(one))

    def allows(self, architecture: Architecture) -> bool:
        """Whether the space's constraints, where it has some, allow it."""
        choices = self.choices
        return not choices.constrained or self.template.check_contains(choices.to_sample(architecture)) is None

    def build(self, architecture: Architecture, task: ImageTask) -> nn.Module:
        """Return the network of a sample, freshly initialised, for ``task``."""
        sample = self.choices.to_sample(self.validate(architecture))
        make = type(self).make
        fitted = {name: read(task) for name, read in fitting_arguments(make).items()}
        with import_nni("nni.nas.space").model_context(sample):
            network: nn.Module = make(**{**fitted, **self.given})
        return fit_network(network, task)

    def check_task(self, task: ImageTask) -> None:
        """Build and try one architecture.

        Raises:
            UserError: it cannot be fitted to the task; the message says why.
        """
        one = self.sample(np.random.default_rng(0))
        try:
            with seeded(0):
                runs(self.build(one, task), task)
        except Exception as error:  # an NNI network may raise anything
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            shape = "×".join(map(str, task.image_shape))
            raise UserError(
                f"space {self.name!r} does not fit images of {shape} in {task.classes} classes: {reason}; use other "
                "images, another space, or other arguments of its constructor, as in 'nni:DARTS(width=8)'."
            ) from error


def load_model_space(name: str) -> SearchSpace:
    """Return ``nni:NAME`` of NNI's hub, or a class of the user's, ``nni:module:Class`` or ``nni:path/file.py:Class``.

    Arguments of its constructor may follow: ``nni:DARTS(width=8, num_cells=5)``.

    Raises:
        UserError: NNI is not installed, there is no such space, it does not load, or cannot be searched.
    """
    place, given = split_arguments(name)
    make = find_model_space(place)
    given = {**defaults_of(make), **given}
    try:
        template = make(**given)
    except Exception as error:  # a constructor may raise anything
        raise UserError(f"NNI's model space {name!r} does not load: {error}; check its arguments.") from error
    choices = read_choices(name, template)
    body = {
        "name": name,
        "parameters": choices.parameters,
        "make": staticmethod(make),
        "given": given,
        "choices": choices,
        "template": template,
        "__doc__": f"NNI's model space {place}.",
    }
    space: SearchSpace = type("NniModels", (ModelSpace,), body)()
    space.origin = name
    return space
