"""``gtn-nas study``: list, show and run studies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from gtn_nas.cli.interruption import saying_what_is_kept
from gtn_nas.cli.options import DeviceOption, JsonOption, ThreadsOption
from gtn_nas.cli.output import help_of, note, print_json, progress_bar, results
from gtn_nas.device import pick_device, set_threads
from gtn_nas.meta.trainer import MetaTrainer, OuterStep
from gtn_nas.study import (
    PAGE,
    RESULTS,
    Measured,
    Plan,
    Run,
    ScaleName,
    Study,
    load_plan,
    load_study,
    make_page,
    run_study,
    shipped_studies,
)
from gtn_nas.task import Task, load_task

__all__ = ["study_verbs"]

NameArgument = Annotated[str, typer.Argument(help="a shipped study's name, or path/to/file.toml")]


def study_verbs() -> typer.Typer:
    """Reproduce published experiments: list the studies, show one, or run one."""
    app = typer.Typer(no_args_is_help=True, help=study_verbs.__doc__)
    verbs: dict[str, Callable[..., None]] = {"list": list_studies, "show": show_study, "run": run_study_command}
    for name, verb in verbs.items():
        app.command(name, help=help_of(verb))(verb)
    return app


def list_studies(as_json: JsonOption = False) -> None:
    """List the studies that come with the package."""
    found = list(shipped_studies())
    if as_json:
        print_json({"studies": [{"name": one.name, "title": one.title, "scales": [*one.scales]} for one in found]})
        return
    table = Table(box=SIMPLE, show_edge=False, padding=(0, 1, 0, 0))
    for heading in ("study", "what it asks", "scales"):
        table.add_column(heading, overflow="fold")
    for one in found:
        table.add_row(escape(one.name), escape(one.title), " ".join(one.scales))
    results.print(table)


def show_study(name: NameArgument, as_json: JsonOption = False) -> None:
    """Show what a study does at each scale, what it expects, and what was published."""
    study = load_study(name)
    plans = {scale: load_plan(study, scale) for scale in study.scales}
    if as_json:
        counts = {scale: len(plan.runs()) for scale, plan in plans.items()}
        print_json({**study.model_dump(mode="json"), "runs": counts})
        return
    results.print(f"[bold]{escape(study.name)}[/]: {escape(study.title)}\n{escape(study.about)}", soft_wrap=True)
    for scale, plan in plans.items():
        runs, seeds = len(plan.runs()), plan.seeds
        described = f"{runs} runs, {seeds} {'seed' if seeds == 1 else 'seeds'}, {plan.data}. {study.scales[scale].note}"
        results.print(f"  [bold]{scale}[/]: {escape(described)}", soft_wrap=True)
    for heading, lines in (("expected", [claim.says for claim in study.claims]), ("differs", study.differs)):
        for line in lines:
            results.print(f"  {heading}: {escape(line)}", soft_wrap=True)
    for one in study.published:
        results.print(f"  published: {escape(str(one.what))} {one.value:g}", soft_wrap=True)


def run_study_command(
    name: NameArgument,
    scale: Annotated[ScaleName, typer.Option(help="smoke: seconds; cpu: hours on two cores; full: for a GPU")] = "cpu",
    out: Annotated[
        Path | None, typer.Option("--out", help="folder for all it writes", show_default="runs/studies/NAME-SCALE")
    ] = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a study, or what is left of it: the same command goes on after an interruption.

    Writes results.jsonl (a line for each run), figures as PNG and SVG, report.html and TensorBoard logs. Exits with 1
    where a run could not be done.
    """
    study = load_study(name)
    plan = load_plan(study, scale)
    set_threads(threads)
    folder = out or Path("runs/studies") / f"{study.name}-{scale}"
    task = load_task(plan.data, pick_device(device), plan.train_limit)
    with saying_what_is_kept(lambda: f"[bold]{escape(str(folder))}[/] keeps what is done; the same command goes on."):
        measured = _run_with_progress(study, scale, plan, task, folder)
        view = make_page(study, scale, plan, measured, folder)
    if as_json:
        claims = [{"says": claim.says, "outcome": claim.outcome, "numbers": claim.numbers} for claim in view.claims]
        failed = sum(row.failure is not None for row in measured.rows)
        print_json({"folder": str(folder), "runs": len(measured.rows), "failed": failed, "claims": claims})
        raise typer.Exit(1 if failed else 0)
    results.print(escape(view.verdict))
    for sentence in view.found:
        results.print(f"  {escape(sentence)}", soft_wrap=True)
    for claim in view.claims:
        results.print(f"  {escape(f'{claim.outcome}: {claim.says} ({claim.numbers})')}", soft_wrap=True)
    for failure in view.failures:
        results.print(f"  [red]failed[/]: {escape(failure)}", soft_wrap=True)
    note(f"open [bold]{escape(str(folder / PAGE))}[/]; the runs are in {escape(str(folder / RESULTS))}.")
    if view.failures:
        raise typer.Exit(1)


def _run_with_progress(study: Study, scale: ScaleName, plan: Plan, task: Task, folder: Path) -> Measured:
    with progress_bar("runs") as progress:
        bar = progress.add_task(escape(study.name), total=len(plan.runs()), note="")
        doing = [""]

        def on_run(run: Run, number: int, total: int) -> None:
            doing[0] = escape(f"{run.variant} seed {run.seed}")
            progress.update(bar, completed=number, total=total, note=doing[0])
            if progress.disable:
                note(f"run {number + 1} of {total}: {doing[0]}")

        def on_step(trainer: MetaTrainer, step: OuterStep) -> None:
            progress.update(bar, note=f"{doing[0]}, {trainer.progress:.0%}, accuracy {step.accuracy:.3f}")

        return run_study(study, scale, plan, task, folder, on_step, on_run)
