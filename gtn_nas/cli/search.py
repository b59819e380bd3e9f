"""``gtn-nas search``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import optuna
import typer
from optuna.study import StudyDirection
from optuna.trial import TrialState
from rich.markup import escape
from rich.table import Table

from gtn_nas.cli.options import (
    ConfigOption,
    DeviceOption,
    JsonOption,
    SetOption,
    TeachersDataOption,
    TeachersSpaceOption,
    ThreadsOption,
    TrainLimitOption,
    open_for_teacher,
    open_space_and_task,
)
from gtn_nas.cli.output import describe, note, print_json, progress_bar, results
from gtn_nas.cli.settings import Settings, load_settings
from gtn_nas.errors import UserError
from gtn_nas.proxy import TAUGHT, Proxy, make_proxies
from gtn_nas.search import (
    OBJECTIVES,
    PRUNERS,
    SAMPLERS,
    Goal,
    Limits,
    make_pruner,
    make_sampler,
    open_study,
    search,
    settled_trials,
    trial_rows,
    verify,
)
from gtn_nas.search.ledger import architecture_of, best_trials
from gtn_nas.space import SearchSpace
from gtn_nas.teacher.frozen import load_teacher
from gtn_nas.teacher.store import find_teacher
from gtn_nas.training import Recipe

__all__ = ["search_command", "search_with_progress", "verify_with_progress"]


def search_command(
    teacher: Annotated[
        Path | None, typer.Option("--teacher", help="folder of a trained teacher", show_default="the store's best")
    ] = None,
    data: TeachersDataOption = None,
    space: TeachersSpaceOption = None,
    trials: Annotated[int, typer.Option(help="candidates that the study shall hold in all", min=1)] = 200,
    verify_best: Annotated[int, typer.Option("--verify", help="train the best K on real data", min=0)] = 0,
    seeds: Annotated[int, typer.Option(help="initialisations per candidate, averaged", min=1)] = 1,
    engine: Annotated[str, typer.Option(help="search engine")] = "optuna",
    sampler: Annotated[str, typer.Option(help=", ".join(SAMPLERS))] = "tpe",
    pruner: Annotated[str, typer.Option(help=f"what gives candidates up in mid-lesson: {', '.join(PRUNERS)}")] = "none",
    scored_by: Annotated[
        str, typer.Option("--proxy", help="what scores a candidate: gtn or another that correlate knows")
    ] = "gtn",
    objectives: Annotated[
        list[str] | None,
        typer.Option("--objective", help=f"{', '.join(OBJECTIVES)}; may be repeated", show_default="accuracy"),
    ] = None,
    max_params: Annotated[int | None, typer.Option(help="leave out larger networks", min=1)] = None,
    max_flops: Annotated[int | None, typer.Option(help="leave out costlier ones, for one image", min=1)] = None,
    max_latency: Annotated[
        float | None, typer.Option(help="leave out slower ones: milliseconds for one image on this device", min=0.001)
    ] = None,
    storage: Annotated[str | None, typer.Option(help="Optuna storage, e.g. sqlite:///nas.db")] = None,
    study: Annotated[str | None, typer.Option(help="name of the study", show_default="SPACE-DATA")] = None,
    seed: Annotated[int, typer.Option(help="seed of the sampler", min=0)] = 0,
    config: ConfigOption = None,
    assignments: SetOption = None,
    train_limit: TrainLimitOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search a space with a teacher's scores; --verify trains the best on real data.

    Without --teacher the store, or the package, gives the best one for --data and --space (digits and cnn_small by
    default) among those trained with the settings that --set teacher.NAME=… asks for. The same command goes on
    with a study that is already in the storage.
    """
    if engine != "optuna":
        raise UserError(f"unknown engine {engine!r}; use optuna.")
    settings = load_settings(Settings, config, assignments or [])
    limits = Limits(max_params, max_flops, None if max_latency is None else max_latency / 1000)
    goal = Goal(tuple(objectives or ["accuracy"]), limits)
    teachers, stored = [], None
    if teacher is not None:
        teachers = [load_teacher(teacher)]
        loaded_space, task = open_for_teacher(teachers[0], space, data, device, threads, train_limit)
    else:
        loaded_space, task = open_space_and_task(space or "cnn_small", data or "digits", device, threads, train_limit)
        if scored_by in TAUGHT:
            stored = find_teacher(task, loaded_space, settings.teacher.model_dump(exclude_unset=True))
            teachers = [load_teacher(stored.folder)]
    proposer = make_sampler(sampler, seed, loaded_space, len(goal.names))
    proxy = make_proxies([scored_by], loaded_space, task, teachers, settings.recipe)[scored_by]
    if stored is not None:
        note(f"teacher: [bold]{escape(str(stored.folder))}[/]")
    name = study or f"{loaded_space.name}-{task.name}"
    opened = open_study(storage, name, proxy, seeds, proposer, goal, make_pruner(pruner, proxy, goal.names))
    search_with_progress(opened, proxy, trials, seeds, goal)
    verified = verify_with_progress(opened, proxy, verify_best, settings.recipe) if verify_best else []
    rows = trial_rows(opened)
    if as_json:
        print_json(_summary(opened, loaded_space, rows, verified))
        return
    _print_results(opened, loaded_space, rows, verified)
    if storage is not None:
        note(f"watch it: optuna-dashboard {escape(storage)}")


def search_with_progress(study: optuna.Study, proxy: Proxy, trials: int, seeds: int, goal: Goal | None = None) -> None:
    """Search with a live line: candidates, best score so far, failures."""
    goal = goal or Goal()
    settled = settled_trials(study)
    with progress_bar("candidates") as progress:
        bar = progress.add_task("search", total=trials, completed=len(settled), note="")
        better = max if study.directions[0] is StudyDirection.MAXIMIZE else min
        values = [trial.values[0] for trial in settled if trial.values]
        best = better(values, default=None)
        states = Counter(trial.state for trial in settled)

        def show(trial: optuna.trial.FrozenTrial) -> None:
            nonlocal best
            states[trial.state] += 1
            if trial.values:
                best = trial.values[0] if best is None else better(best, trial.values[0])
            text = "" if best is None else f"best {_written(goal.names[:1], [best])[0]}"
            text += f" given up {states[TrialState.PRUNED]}" if states[TrialState.PRUNED] else ""
            text += f" [red]failed {states[TrialState.FAIL]}[/]" if states[TrialState.FAIL] else ""
            progress.update(bar, advance=1, note=text)

        search(study, proxy, trials, seeds, on_trial=show, goal=goal)


def verify_with_progress(study: optuna.Study, proxy: Proxy, count: int, recipe: Recipe) -> list[dict[str, Any]]:
    """Train the best candidates on real data with a live line."""
    with progress_bar("trained") as progress:
        bar = progress.add_task("verify", total=min(count, len(best_trials(study, count))), note="")

        def show(row: dict[str, Any]) -> None:
            progress.update(bar, advance=1, note=f"validation {row['validation_accuracy']:.3f}")

        return verify(study, proxy, count, recipe, on_verified=show)


def _summary(
    study: optuna.Study, space: SearchSpace, rows: list[dict[str, Any]], verified: list[dict[str, Any]]
) -> dict[str, Any]:
    best = best_trials(study, 1)
    return {
        "study": study.study_name,
        "trials": len(rows),
        "failed": sum(row["state"] == "FAIL" for row in rows),
        "best": None
        if not best
        else {
            "value": best[0].values[0],
            "values": best[0].values,
            "architecture": architecture_of(best[0], space),
        },
        "verified": verified,
        "winner": verified[0] if verified else None,
    }


def _print_results(
    study: optuna.Study, space: SearchSpace, rows: list[dict[str, Any]], verified: list[dict[str, Any]]
) -> None:
    failures = [row for row in rows if row["state"] == "FAIL"]
    if failures:
        reason = escape(failures[0]["reason"])
        note(f"[yellow]{len(failures)} of {len(rows)} candidates failed[/]; first reason: {reason}")
    table = Table(title=f"best of {len(rows)} candidates" + (", trained on real data" if verified else ""))
    table.add_column("trial", justify="right")
    names = study.user_attrs["objectives"]
    for name in ["proxy score"] if names == ["accuracy"] else names:
        table.add_column(name, justify="right")
    table.add_column("parameters", justify="right")
    if verified:
        table.add_column("validation", justify="right")
        table.add_column("test", justify="right")
        for row in verified:
            table.add_row(
                str(row["number"]),
                *_written(names, row["values"]),
                f"{row['params']:,}",
                f"{row['validation_accuracy']:.3f}",
                f"{row['test_accuracy']:.3f}",
            )
        winner = verified[0]["architecture"]
    else:
        best = best_trials(study, 5)
        for trial in best:
            table.add_row(str(trial.number), *_written(names, trial.values), f"{trial.user_attrs['params']:,}")
        if not best:
            note("no candidate could be scored.")
            return
        winner = architecture_of(best[0], space)
    results.print(table)
    results.print(f"[bold]winner:[/] {describe(winner)}", soft_wrap=True)
    if verified:
        results.print(f"[bold]real test accuracy: {verified[0]['test_accuracy']:.4f}[/]")


def _written(names: Sequence[str], values: Sequence[float]) -> list[str]:
    """Write objectives' values, each in its own way."""
    written = {"params": "{:,.0f}", "flops": "{:,.0f}", "latency": "{:.3g} s"}
    return [written.get(name, "{:.3f}").format(value) for name, value in zip(names, values, strict=True)]
