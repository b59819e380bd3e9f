"""``gtn-nas correlate``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from gtn_nas.cli.interruption import saying_what_is_kept
from gtn_nas.cli.options import (
    DeviceOption,
    JsonOption,
    TeachersDataOption,
    TeachersSpaceOption,
    ThreadsOption,
    TrainLimitOption,
    open_for_teacher,
)
from gtn_nas.cli.output import count, note, print_json, progress_bar, results
from gtn_nas.correlation import RIVALS, ScoreBook, TruthTable, compare, load_truth, proxies_of
from gtn_nas.device import describe_hardware, describe_versions
from gtn_nas.files import count_lines, write_atomically
from gtn_nas.proxy import make_proxies
from gtn_nas.report import Report, save_figures, teacher_view, text, write_report
from gtn_nas.report.parts import in_order
from gtn_nas.space import SearchSpace
from gtn_nas.task import Task
from gtn_nas.teacher.frozen import FrozenTeacher, load_teacher
from gtn_nas.teacher.store import folder_of
from gtn_nas.training import Recipe

__all__ = ["correlate_command", "correlate_with_progress", "print_proxies"]

_SCORES = "scores.jsonl"


def correlate_command(
    teachers: Annotated[
        list[Path],
        typer.Option("--teacher", help="folder of a trained teacher, or a listed name; more of them for gtn_ensemble"),
    ],
    truth: Annotated[Path, typer.Option("--truth", help="truth table made by gtn-nas truth, or a published .csv")],
    out: Annotated[Path, typer.Option("--out", help="folder for correlation.json and report.html")],
    data: TeachersDataOption = None,
    space: TeachersSpaceOption = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--proxy",
            metavar="NAME[.READING][+NAME…]",
            help="what to compare, the first against all others; may be repeated",
            show_default="gtn and all its usual rivals",
        ),
    ] = None,
    truth_column: Annotated[
        str | None, typer.Option(help="accuracies of a published table", show_default="DATA_test")
    ] = None,
    architectures: Annotated[
        int | None, typer.Option(help="only so many of the table's, drawn at random", min=1, show_default="all")
    ] = None,
    sample_seed: Annotated[int, typer.Option(help="seed that draws them", min=0)] = 0,
    seeds: Annotated[int, typer.Option(help="initialisations per architecture, averaged", min=1)] = 2,
    workers: Annotated[int, typer.Option(help="parallel processes", min=1)] = 1,
    train_limit: TrainLimitOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how far proxies can be trusted: rank correlation with real training, with intervals and costs.

    Scores are kept in --out as they are made: the same command goes on where it was stopped, and one more --proxy
    costs no more than its own scores.

    Proxies: gtn, gtn_area, gtn_ensemble, real_steps, real_subset, real_seconds, early_stop, full_training, synflow,
    nwot, jacov, snip, grasp, grad_norm, fisher, zico, params, flops, random. Lessons have the readings .loss, .tse and
    .tse_late, real trainings .tse; first+second is the sum of two proxies' ranks.
    """
    frozen, *others = [load_teacher(folder_of(folder)) for folder in teachers]
    loaded_space, task = open_for_teacher(frozen, space, data, device, threads, train_limit)
    whole = load_truth(truth, loaded_space, task, truth_column)
    if whole.left_out_in_words:
        note(whole.left_out_in_words)
    table = whole.without({key for one in (frozen, *others) for key in one.card.get("chosen_on", ())})
    table = table if architectures is None else table.sample(architectures, sample_seed)
    with saying_what_is_kept(lambda: _kept(out)):
        content = correlate_with_progress(
            loaded_space, task, [frozen, *others], table, seeds, workers, columns=columns or RIVALS, out=out
        )
    write_atomically(out / "correlation.json", json.dumps(content, indent=1))
    title = f"{loaded_space.name} on {task.name}"
    save_figures(content, out / "figures")
    write_report(Report(title=title, correlation=content, teacher=teacher_view(frozen)), out / "report.html")
    if as_json:
        print_json(content)
        return
    print_proxies(content)
    note(f"report: [bold]{escape(str(out / 'report.html'))}[/]")


def correlate_with_progress(
    space: SearchSpace,
    task: Task,
    teachers: Sequence[FrozenTeacher],
    table: TruthTable,
    seeds: int,
    workers: int,
    columns: Sequence[str] = RIVALS,
    out: Path | None = None,
) -> dict[str, Any]:
    """Compare columns on the table with a live line; return the content of ``correlation.json``.

    Scores are kept in ``scores.jsonl`` in the folder ``out``, and those that are there are not made again.
    """
    teacher = teachers[0]
    proxies = list(make_proxies(proxies_of(columns), space, task, teachers, _recipe(table)).values())
    with progress_bar("scores") as progress:
        bar = progress.add_task("correlate", total=len(proxies) * len(table.keys), note="")

        def show(name: str, done: int, _: int) -> None:
            progress.update(bar, completed=done, note=name)

        content = compare(
            table,
            proxies,
            seeds,
            workers,
            on_score=show,
            columns=columns,
            book=ScoreBook(None if out is None else out / _SCORES),
        )
    content["teacher"] = {
        "fingerprint": teacher.fingerprint,
        "config": teacher.config.model_dump(),
        **{name: value for name, value in teacher.card.items() if name not in ("curve", "config", "fingerprint")},
    }
    content["hardware"] = describe_hardware(task.train.images.device)
    content["versions"] = describe_versions()
    return content


def _kept(out: Path) -> str:
    kept = count(count_lines(out / _SCORES), "score is", "scores are")
    return f"{kept} kept in [bold]{escape(str(out / _SCORES))}[/]; the same command goes on."


def _recipe(table: TruthTable) -> Recipe:
    """Return the table's own recipe; the default one where it was published without."""
    return Recipe(**table.recipe) if set(table.recipe) <= set(Recipe.model_fields) else Recipe()


def print_proxies(content: dict[str, Any]) -> None:
    """Print the proxies ordered by Spearman; below them what failed, and the verdict."""
    table = Table("proxy", title=escape(f"{content['space']} on {content['task']}, n = {content['n']} architectures"))
    for heading in ("Spearman", "95 % interval", "time for each"):
        table.add_column(heading, justify="right")
    for name, entry in in_order(content["proxies"]):
        seconds = text.duration(entry["seconds_per_architecture"])
        table.add_row(name, entry["undefined"] or text.number(entry["spearman"]), text.interval(entry["ci95"]), seconds)
    truth = content["truth"]
    halves, seconds = truth["ceiling"], text.duration(truth["seconds_per_training"])
    if halves is not None:
        table.add_section()
        table.add_row("truth, two halves", text.number(halves["spearman"]), text.interval(halves["ci95"]), seconds)
    results.print(table)
    if content["failures"]:
        results.print(escape(content["failures"]), style="yellow", soft_wrap=True)
    results.print(escape(content["verdict"]), soft_wrap=True)
