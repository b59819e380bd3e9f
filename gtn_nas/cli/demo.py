"""``gtn-nas demo``: the whole path on embedded digits, offline, in minutes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, Field
from rich.markup import escape

from gtn_nas.cli.correlate import correlate_with_progress, print_proxies
from gtn_nas.cli.interruption import saying_what_is_kept
from gtn_nas.cli.options import JsonOption, SetOption, open_space_and_task
from gtn_nas.cli.output import describe, note, print_json, progress_bar, results
from gtn_nas.cli.search_views import search_with_progress, show_in_dashboard, verify_with_progress
from gtn_nas.cli.settings import Settings, load_settings
from gtn_nas.cli.train_teacher import train_with_progress
from gtn_nas.correlation import TruthTable
from gtn_nas.errors import UserError
from gtn_nas.files import count_lines, write_atomically
from gtn_nas.proxy import Gtn
from gtn_nas.report import Report, search_view, teacher_view, write_report
from gtn_nas.search import best_trials, make_sampler, open_study
from studies import study_file

__all__ = ["demo"]


# Fewer than correlate's: every interval costs a second, and the demo is to take minutes.
_COMPARED = ("gtn", "real_steps", "real_subset", "synflow", "nwot", "jacov", "params", "flops", "random")
_ANEW = "a demo does not go on where it was stopped; with --force the same command starts anew."
_LOG = ("study.db-wal", "study.db-shm")  # SQLite's own, left by a demo that was killed: of no use to another file
_WRITTEN = (
    *("teacher", "study.db", *_LOG, "study.db.artifacts"),
    *("truth.jsonl", "truth.log", "correlation.json", "report.html"),
)


class DemoPlan(BaseModel):
    """The ``[demo]`` group of ``studies/demo.toml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str
    space: str
    candidates: Annotated[int, Field(ge=1)]
    verify: Annotated[int, Field(ge=1)]
    architectures: Annotated[int, Field(ge=1)]
    truth_seeds: Annotated[int, Field(ge=1)]
    truth_sample_seed: Annotated[int, Field(ge=0)]
    score_seeds: Annotated[int, Field(ge=1)]


class DemoSettings(Settings):
    """Everything in ``studies/demo.toml``."""

    demo: DemoPlan


def demo(
    out: Annotated[Path, typer.Option("--out", help="folder for everything the demo writes")] = Path("runs/demo"),
    force: Annotated[bool, typer.Option("--force", help="replace what an earlier demo left in --out")] = False,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the whole path on embedded digits: teacher, search, real training, correlation, report.

    Takes under six minutes on two CPU cores. The truth table, which needs no teacher, is made by a second
    process while the teacher is trained.
    """
    began = time.perf_counter()
    settings = _read_settings(assignments or [])
    plan = settings.demo
    _make_room(out, force)
    space, task = open_space_and_task(plan.space, plan.data, "cpu", threads=1)
    note(
        f"[bold]demo[/]: {len(task.train)} training, {len(task.validation)} validation and {len(task.test)} test "
        f"images of {task.name}; {plan.architectures} × {plan.truth_seeds} real trainings run beside the teacher's."
    )
    storage = f"sqlite:///{out / 'study.db'}"
    with saying_what_is_kept(lambda: _ANEW):
        with _truth_in_background(plan, settings, out) as truth:
            teacher = train_with_progress(task, space, settings, out / "teacher", resume=False)
            proxy = Gtn(space, task, teacher)
            study = open_study(storage, "demo", proxy, plan.score_seeds, make_sampler("tpe", 0, space))
            search_with_progress(study, proxy, plan.candidates, plan.score_seeds)
            verified = verify_with_progress(study, proxy, best_trials(study, plan.verify), settings.recipe)
            _wait_for_truth(truth, plan, out)
        if not verified:
            raise UserError(f"no candidate could be trained, see the trials' reasons in {out / 'study.db'}.")
        table = TruthTable.load(out / "truth.jsonl", space, task)
        content = correlate_with_progress(space, task, [teacher], table, plan.score_seeds, 2, columns=_COMPARED)
        write_atomically(out / "correlation.json", json.dumps(content, indent=1))
        report = Report(
            f"gtn-nas demo: {space.name} on {task.name}", content, teacher_view(teacher), search_view(study)
        )
        write_report(report, out / "report.html")
    seconds = time.perf_counter() - began
    if as_json:
        print_json({"seconds": seconds, "folder": str(out), "winner": verified[0], "correlation": content})
        return
    print_proxies(content)
    results.print(f"[bold]best architecture[/]: {describe(verified[0]['architecture'])}", soft_wrap=True)
    results.print(f"real test accuracy [bold]{verified[0]['test_accuracy']:.4f}[/], the whole demo {seconds:.0f} s")
    place = escape(str(out))
    note(f"open [bold]{place}/report.html[/]")
    show_in_dashboard(study, storage, [teacher])


def _read_settings(assignments: list[str]) -> DemoSettings:
    """Return the settings of the shipped study, changed by ``--set``."""
    with as_file(study_file("demo")) as path:
        return load_settings(DemoSettings, path, assignments)


def _make_room(out: Path, force: bool) -> None:
    """Make the folder; remove an earlier demo's files, and no others, if ``force`` says so."""
    left = [out / name for name in _WRITTEN if (out / name).exists()]
    if left and not force:
        raise UserError(f"{out} already holds a demo ({left[0].name}); use --force to replace it, or another --out.")
    for path in left:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    out.mkdir(parents=True, exist_ok=True)


@contextmanager
def _truth_in_background(plan: DemoPlan, settings: Settings, out: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``gtn-nas truth`` in a process of its own; it ends with the block at the latest."""
    recipe = [
        part for name, value in settings.recipe.model_dump().items() for part in ("--set", f"recipe.{name}={value}")
    ]
    command = [sys.executable, "-m", "gtn_nas", "truth", "--out", str(out / "truth.jsonl"), "--data", plan.data]
    command += ["--space", plan.space, "--architectures", str(plan.architectures), "--seeds", str(plan.truth_seeds)]
    command += ["--sample-seed", str(plan.truth_sample_seed), "--device", "cpu", "--threads", "1", *recipe]
    with (out / "truth.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()


def _wait_for_truth(process: subprocess.Popen[bytes], plan: DemoPlan, out: Path) -> None:
    """Wait for the table with a live line.

    Raises:
        UserError: the process failed; the message holds its last words.
    """
    total = plan.architectures * plan.truth_seeds
    with progress_bar("trainings") as progress:
        bar = progress.add_task("truth", total=total, note="")
        while process.poll() is None:
            progress.update(bar, completed=count_lines(out / "truth.jsonl"))
            time.sleep(0.2)
        progress.update(bar, completed=count_lines(out / "truth.jsonl"))
    if process.returncode != 0:
        words = (out / "truth.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise UserError(f"the truth table was not finished ({words[-1] if words else 'no message'}); try again.")
