"""Save and restore a meta-training run in one file, written atomically."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from gtn_nas.errors import UserError
from gtn_nas.files import write_atomically
from gtn_nas.fingerprint import fingerprint
from gtn_nas.meta.misplaced import Look
from gtn_nas.meta.moment import Moment
from gtn_nas.meta.trainer import MetaTrainer, OuterStep
from gtn_nas.meta.validation import Validation
from gtn_nas.teacher.lesson import Lesson

__all__ = ["CHECKPOINT", "restore_checkpoint", "save_checkpoint"]

CHECKPOINT = "checkpoint.safetensors"
_SPACE, _TASK, _HELD_OUT = "space", "task", "held-out architectures"
_OTHERS = {  # what differs where hashes do
    _SPACE: "another search space",
    _TASK: "another data set, or other images of it (--train-limit)",
    _HELD_OUT: "another --truth table, or without one",
}


def save_checkpoint(trainer: MetaTrainer, folder: Path) -> None:
    """Write the teacher, the outer optimiser's state, the curve and all settings to ``folder``."""
    tensors: dict[str, Tensor] = {f"teacher.{k}": v.cpu() for k, v in trainer.teacher.state_dict().items()}
    shared = _shared(trainer)
    tensors |= {f"average.{k}": v.cpu() for k, v in trainer.average.state_dict().items() if k not in shared}
    if trainer.best is not None:
        tensors |= {f"best.{k}": v.cpu() for k, v in trainer.best.tensors().items()}
    for index, state in trainer.optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": torch.as_tensor(value).cpu() for name, value in state.items()}
    described = {
        "settings": _settings(trainer),
        "taken": trainer.taken,
        "curve": [asdict(step) for step in trainer.curve],
        "validations": [asdict(validation) for validation in trainer.validations],
        "look": trainer.look and asdict(trainer.look),
    }
    separate = {k: v.clone(memory_format=torch.contiguous_format) for k, v in tensors.items()}
    # Not save_file: a kill would leave its temporary file, of another name each time, behind.
    write_atomically(folder / CHECKPOINT, save(separate, {"run": json.dumps(described)}))


def restore_checkpoint(trainer: MetaTrainer, folder: Path) -> None:
    """Put ``trainer`` where :func:`save_checkpoint` left off; iterations and minutes may differ.

    Raises:
        UserError: there is no checkpoint, it is damaged, or it belongs to other settings.
    """
    path = folder / CHECKPOINT
    content = trainer.world.read_leaders(path)
    if not content:
        raise UserError(f"no checkpoint in {folder} to resume from; start without --resume.")
    try:
        described, tensors = json.loads(_metadata(content)["run"]), load(content)
        theirs = dict(described["settings"])
        for name, value in _settings(trainer).items():
            if theirs.get(name) != value:
                differs = _OTHERS.get(name, f"{name} = {theirs.get(name)!r}, this run has {value!r}")
                raise UserError(
                    f"the checkpoint in {folder} was made with {differs}; resume with the same settings, or give "
                    "another --out."
                )
        _restore(trainer, described, tensors)
    except UserError:
        raise
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"the checkpoint {path} is damaged; start again without --resume.") from error


def _restore(trainer: MetaTrainer, described: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    trainer.teacher.load_state_dict(_under("teacher.", tensors))
    trainer.average.load_state_dict(_under("average.", tensors) | _shared(trainer))
    best = _under("best.", tensors)
    trainer.best = Lesson.of_tensors(best).to(trainer.task.train.images.device) if best else None
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _under("optimiser.", tensors).items():
        index, field = name.split(".", 1)
        state.setdefault(int(index), {})[field] = value
    whole = trainer.optimiser.state_dict()
    trainer.optimiser.load_state_dict({**whole, "state": state})
    trainer.taken = Moment(*described["taken"])
    trainer.curve[:] = [OuterStep(**step) for step in described["curve"]]
    trainer.validations[:] = [Validation(**validation) for validation in described["validations"]]
    if described.get("look"):
        trainer.follow(Look(**described["look"]))


def _held_out(trainer: MetaTrainer) -> str:
    held = trainer.held_out
    ranked = [(trainer.space.key(architecture), accuracy) for architecture, accuracy in held.ranked]
    return fingerprint(repr((sorted(held.keys), held.truth, ranked)))


def _shared(trainer: MetaTrainer) -> dict[str, Tensor]:
    """Return the teacher's buffers by their names in the average, whose own are copies of them."""
    return {f"module.{name}": buffer for name, buffer in trainer.teacher.named_buffers()}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _metadata(content: bytes) -> dict[str, str]:
    """Return what a safetensors file says of itself: 8 bytes of length, then a JSON header."""
    length = int.from_bytes(content[:8], "little")
    found: dict[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
    return found


def _settings(trainer: MetaTrainer) -> dict[str, Any]:
    """Return what a resumed training must have in common with the checkpoint's, in the order of comparison."""
    meta = trainer.config.model_dump(exclude={"iterations", "minutes", "memory_budget", "learners"})
    return {
        **{f"teacher.{name}": value for name, value in trainer.teacher.config.model_dump().items()},
        **{f"meta.{name}": value for name, value in meta.items()},
        "learners of all processes": trainer.config.learners * trainer.world.size,
        _SPACE: trainer.space.fingerprint,
        _TASK: trainer.task.fingerprint,
        _HELD_OUT: _held_out(trainer),  # which depends on all of these, and so is compared last
    }
