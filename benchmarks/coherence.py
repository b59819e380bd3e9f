"""Claim: meta-gradients of different learners share next to nothing pixel by pixel, more along the axes of real images.

    python benchmarks/coherence.py --data mnist [--space SPACE] [--learners 16] [--cases N] [--append FILE]

Draws learners from a space and takes the meta-gradient of one lesson (a class-balanced real subset with targets to
be learned: what ``kind = distilled_pixels`` begins with) for each, gradients flowing through the last W inner steps.
What can be learned across the space is what the gradients share: prints, for pixels, the images' whitened principal
components (``kind = distilled_components``), targets and schedule of those steps, the mean cosine between two learners'
gradients with a jackknife standard error over learners, that of components also within each quarter of the learners by
the norm of their pixels' gradients, and the norms' range. The mean of N learners has as much signal as noise at about
N = 1 / cosine.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from result_line import hand_over
from torch import Tensor

from gtn_nas.memory import keep_freed_memory
from gtn_nas.meta.config import MetaConfig
from gtn_nas.meta.draw import draw_pupil
from gtn_nas.meta.inner import inner_optimiser
from gtn_nas.meta.mixed import mixed
from gtn_nas.space import load_space
from gtn_nas.task import load_task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.principal import PrincipalAxes
from gtn_nas.teacher.teacher import Teacher

CASES = [  # optimiser, steps that gradients flow through (all), share of the lesson after which the learner is examined
    ("muon", None, 1.0),
    ("muon", 4, 1.0),
    ("muon", 4, 0.5),
    ("muon", 4, 0.125),
    ("muon", 1, 1.0),
    ("adam", None, 1.0),
    ("adam", 4, 1.0),
]


def shared(gradients: Tensor) -> dict[str, float]:
    """Return the mean cosine of pairs of rows ``[n, P]`` and its jackknife standard error."""
    unit = gradients / gradients.norm(dim=1, keepdim=True).clamp_min(1e-20)
    cosines, count = (unit @ unit.T).numpy(), len(unit)

    def mean(kept: np.ndarray) -> float:
        part = cosines[np.ix_(kept, kept)]
        return float((part.sum() - np.trace(part)) / (len(kept) * (len(kept) - 1)))

    left_out = np.array([mean(np.delete(np.arange(count), i)) for i in range(count)])
    error = np.sqrt((count - 1) / count * ((left_out - left_out.mean()) ** 2).sum())
    return {"cosine": round(mean(np.arange(count)), 5), "standard_error": round(float(error), 5)}


def by_norm(gradients: Tensor, norms: Tensor) -> list[float]:
    """Return the mean cosine within each quarter of the learners, those with the smallest gradients first."""
    quarters = norms.argsort().chunk(4)
    return [shared(gradients[quarter])["cosine"] for quarter in quarters if len(quarter) > 2]


def measure(options: argparse.Namespace, rule_name: str, window: int | None, share: float) -> dict[str, object]:
    """Take every learner's meta-gradient through the ``window`` steps that end with ``share`` of the lesson."""
    space, task = load_space(options.space), load_task(options.data, torch.device("cpu"))
    end = round(share * options.steps)
    config = TeacherConfig(
        steps=options.steps, batch_size=options.batch_size, kind="distilled_pixels", targets="learned", inner=rule_name
    )
    rule = inner_optimiser(rule_name)
    teacher = Teacher(config, task, rule.hyperparameters, 0, None, rule.decay)
    teacher.resemble_real_images(task, 0)
    lesson = teacher(0).detach().head(end)
    shorter = config.model_copy(update={"steps": end})
    meta = MetaConfig(window=window, window_place="end", exam_every=end, real_batch=options.real_batch)
    first, began = end - (window or end), time.process_time()
    pixels, targets, schedule, accuracies = [], [], [], []
    for number in range(options.learners):
        pupil = draw_pupil(np.random.default_rng((0, number)), space, task, shorter, meta)
        found = mixed(pupil.learner, pupil.learner.initial, lesson, rule, pupil.exam, pupil.start)
        if found.diverged_at is not None or found.targets is None:
            continue
        accuracies.append(found.accuracy)
        pixels.append(found.images[first:].flatten())
        targets.append(found.targets[first:].flatten())
        schedule.append(torch.cat([(found.hyper[name] * lesson.hyper[name])[first:] for name in found.hyper]))
    seconds = (time.process_time() - began) / options.learners
    by_pixel = torch.stack(pixels)
    along = by_pixel.view(-1, math.prod(task.image_shape)) @ PrincipalAxes(task).axes.T
    by_component, norms = along.view(len(pixels), -1), by_pixel.norm(dim=1)
    return {
        "task": task.name, "space": options.space, "steps": options.steps, "batch_size": options.batch_size,
        "optimiser": rule_name, "window": window, "last_step": end, "n": len(pixels),
        "accuracy": round(float(np.mean(accuracies)), 4), "pixels": shared(by_pixel),
        "components": shared(by_component), "targets": shared(torch.stack(targets)),
        "schedule": shared(torch.stack(schedule)), "components_by_norm": by_norm(by_component, norms),
        "pixel_norms": [round(float(norms.quantile(q)), 5) for q in (0.0, 0.5, 1.0)],
        "cpu_seconds": round(seconds, 3),
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--space", default="cnn_small")
    parser.add_argument("--steps", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--real-batch", type=int, default=512)
    parser.add_argument("--learners", type=int, default=16)
    parser.add_argument("--cases", type=int, default=len(CASES), help="only the first so many")
    parser.add_argument("--append", type=Path)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    for case in CASES[: options.cases]:
        hand_over(measure(options, *case), torch.device("cpu"), options.append)


if __name__ == "__main__":
    main()
