"""Do a study's runs, each once."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import torch

from gtn_nas.device import describe_hardware, describe_versions
from gtn_nas.errors import UserError
from gtn_nas.files import alone_in
from gtn_nas.search.evaluator import OUT_OF_MEMORY, CandidateFailed
from gtn_nas.study.measured import Measured
from gtn_nas.study.plan import Plan
from gtn_nas.study.run import Outcome, Results, Row, Run
from gtn_nas.study.study import ScaleName, Study
from gtn_nas.study.workshop import OnStep, Workshop
from gtn_nas.task import Task

__all__ = ["RESULTS", "measure", "run_study"]

RESULTS = "results.jsonl"
_DIGITS = 6


def run_study(
    study: Study,
    scale: ScaleName,
    plan: Plan,
    task: Task,
    folder: Path,
    on_step: OnStep | None = None,
    on_run: Callable[[Run, int, int], None] | None = None,
) -> Measured:
    """Do what is left of the study in ``folder`` and return all that was measured.

    Every finished run is one more line of ``results.jsonl``; a run that cannot be done is a line with its reason, and
    the study goes on. ``on_run`` is told before each run how many there are and how many are over.

    Raises:
        UserError: another process works in ``folder``.
    """
    with alone_in(folder):
        results = Results(folder / RESULTS)
        workshop = Workshop(task, folder, on_step)
        runs, origins = plan.runs(), plan.origins(task)
        for number, run in enumerate(runs):
            if results.get(run, origins) is not None:
                continue
            if on_run is not None:
                on_run(run, number, len(runs))
            results.add(_row(study, scale, plan, run, workshop).model_copy(update={"origins": origins}))
        return measure(plan, results)


def measure(plan: Plan, results: Results) -> Measured:
    """Return what the plan's runs have shown so far; rows of other settings in the same file are left out."""
    rows = [row for run in plan.runs() if (row := results.get(run)) is not None]
    return Measured(rows, plan.derived(Measured(rows, {})))


def _row(study: Study, scale: ScaleName, plan: Plan, run: Run, workshop: Workshop) -> Row:
    began, outcome, failure = time.perf_counter(), Outcome({}), None
    try:
        outcome = plan.execute(run, workshop)
        with workshop.log(f"results/{run.variant}/{run.seed}") as log:
            if log is not None:
                log.add_results(outcome.figures)
    except (UserError, CandidateFailed) as error:
        failure = str(error)
    except torch.OutOfMemoryError:
        failure = OUT_OF_MEMORY
    return Row(
        key=run.key,
        study=study.name,
        scale=scale,
        variant=run.variant,
        seed=run.seed,
        settings=dict(run.settings),
        figures={name: round(value, _DIGITS) for name, value in outcome.figures.items()},
        series={name: [(x, round(y, _DIGITS)) for x, y in points] for name, points in outcome.series.items()},
        samples={name: [round(value, _DIGITS) for value in values] for name, values in outcome.samples.items()},
        failure=failure,
        seconds=round(time.perf_counter() - began, 2),
        finished=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        hardware=describe_hardware(workshop.task.train.images.device),
        versions=describe_versions(),
    )
