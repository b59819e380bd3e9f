"""``gtn-nas truth``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from gtn_nas.cli.interruption import saying_what_is_kept
from gtn_nas.cli.options import (
    ConfigOption,
    DataOption,
    DeviceOption,
    JsonOption,
    SetOption,
    SpaceOption,
    ThreadsOption,
    TrainLimitOption,
    open_space_and_task,
)
from gtn_nas.cli.output import count, note, print_json, progress_bar
from gtn_nas.cli.settings import Settings, load_settings, refuse_idle
from gtn_nas.correlation import Training, TruthTable, ceiling, make_truth, spearman
from gtn_nas.files import count_lines
from gtn_nas.search.evaluator import CandidateFailed
from gtn_nas.space import SearchSpace
from gtn_nas.task import Task

__all__ = ["truth_command"]


def truth_command(
    out: Annotated[Path, typer.Option("--out", help="JSONL file, one line per finished training")],
    data: DataOption = "digits",
    space: SpaceOption = "cnn_small",
    architectures: Annotated[int, typer.Option(help="random architectures in all", min=1)] = 64,
    seeds: Annotated[int, typer.Option(help="trainings per architecture", min=1)] = 2,
    sample_seed: Annotated[int, typer.Option(help="seed that draws the architectures", min=0)] = 0,
    workers: Annotated[int, typer.Option(help="parallel processes", min=1)] = 1,
    config: ConfigOption = None,
    assignments: SetOption = None,
    train_limit: TrainLimitOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train random architectures on real data: the truth that proxies are held against.

    Run it again to go on after an interruption, or with more architectures or seeds to extend the table.
    """
    settings = load_settings(Settings, config, assignments or [])
    refuse_idle(assignments or [], dict.fromkeys(("teacher", "meta"), "it is for train-teacher"))
    loaded_space, task = open_space_and_task(space, data, device, threads, train_limit)
    failures = list[CandidateFailed]()
    with progress_bar("trainings") as progress:
        bar = progress.add_task("truth", total=None, note="")

        def show(training: Training, done: int, total: int) -> None:
            progress.update(bar, completed=done, total=total, note=f"test {training.test_accuracy:.3f}")

        with saying_what_is_kept(lambda: _kept(out)):
            made = make_truth(
                out,
                loaded_space,
                task,
                settings.recipe,
                architectures=architectures,
                seeds=seeds,
                sample_seed=sample_seed,
                workers=workers,
                on_training=show,
                on_failure=failures.append,
            )
    summary = {**_summary(out, loaded_space, task, made), "failed": len(failures)}
    if as_json:
        print_json(summary)
        return
    size = f"{count(summary['n'], 'architecture')} × {count(summary['seeds'], 'seed')}"
    note(
        f"{escape(str(out))}: {size}, test accuracy {summary['min']:.3f} to {summary['max']:.3f}; Spearman of the "
        f"parameter count {_show(summary['params_spearman'])}, of two halves of the seeds {_show(summary['ceiling'])}."
    )
    if failures:
        reason = escape(str(failures[0]))
        note(f"{len(failures)} trainings failed (first reason: {reason}); the same command tries them again.")
    if summary["left_out"]:
        note(str(summary["left_out"]))


def _kept(out: Path) -> str:
    kept = count(count_lines(out), "training is", "trainings are")
    return f"{kept} kept in [bold]{escape(str(out))}[/]; the same command goes on."


def _summary(out: Path, space: SearchSpace, task: Task, made: int) -> dict[str, Any]:
    table = TruthTable.load(out, space, task)
    params = table.counts(space, task)["params"]
    limit = ceiling(table.accuracies)
    by_params = spearman(params, table.mean)
    return {
        "file": str(out),
        "trained_now": made,
        "n": len(table.keys),
        "seeds": table.accuracies.shape[1],
        "left_out": table.left_out_in_words,
        "min": float(table.mean.min()),
        "max": float(table.mean.max()),
        "params_spearman": by_params.value,
        "params_ci95": by_params.ci95,
        "ceiling": None if limit is None else limit.value,
        "seconds_per_training": table.seconds_per_training,
    }


def _show(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else "undefined"
