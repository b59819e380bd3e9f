"""``gtn-nas search``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import optuna
import torch
import typer
from optuna.trial import FrozenTrial
from rich.markup import escape

from gtn_nas.calibration import Calibrated, Known
from gtn_nas.cli.crew import Crew, work
from gtn_nas.cli.interruption import saying_what_is_kept
from gtn_nas.cli.nni import NniSearch, SearchSettings, nni_experiment
from gtn_nas.cli.options import (
    ConfigOption,
    DeviceOption,
    JsonOption,
    SetOption,
    StorageOption,
    TeachersDataOption,
    TeachersSpaceOption,
    ThreadsOption,
    TrainLimitOption,
    open_for_teacher,
    open_space_and_task,
    parse_minutes,
)
from gtn_nas.cli.output import note, print_json, progress_bar
from gtn_nas.cli.search_views import (
    kept_by_search,
    print_search,
    race_with_progress,
    search_summary,
    search_with_progress,
    share_with_progress,
    show_in_dashboard,
    verify_with_progress,
)
from gtn_nas.cli.settings import load_settings, patient, refuse_idle
from gtn_nas.errors import UserError
from gtn_nas.proxy import SIZED, TAUGHT, Proxy, make_score, proxies_in, terms_of
from gtn_nas.proxy.rank_sum import REFERENCE
from gtn_nas.search import (
    ENGINES,
    NNI_SAMPLERS,
    OBJECTIVES,
    PRUNERS,
    SAMPLERS,
    Budget,
    Goal,
    Limits,
    Plan,
    Race,
    make_proposer,
    make_pruner,
    open_study,
    search,
    search_in_rounds,
    trial_rows,
    verified_by,
)
from gtn_nas.search.ledger import best_trials
from gtn_nas.search.truth_scores import keep_truth_scores, kept_truth_scores
from gtn_nas.teacher.frozen import FrozenTeacher, load_teacher
from gtn_nas.teacher.store import find_teacher, folder_of

if TYPE_CHECKING:
    from gtn_nas.correlation import TruthTable

__all__ = ["search_command"]


def search_command(
    teacher: Annotated[
        Path | None,
        typer.Option(
            "--teacher",
            help="folder of a trained teacher, or its name in gtn-nas teachers",
            show_default="the store's best",
        ),
    ] = None,
    data: TeachersDataOption = None,
    space: TeachersSpaceOption = None,
    trials: Annotated[int, typer.Option(help="candidates that the study shall hold in all", min=1)] = 200,
    verify_best: Annotated[int, typer.Option("--verify", help="train the best K on real data", min=0)] = 0,
    race: Annotated[
        int | None,
        typer.Option(
            help="score the best N again from twice as many initialisations, the better half from four times, half of "
            "these from eight times as many",
            min=2,
        ),
    ] = None,
    calibrate: Annotated[
        Path | None, typer.Option(help="truth table: search for the accuracy that it lets one expect of a score")
    ] = None,
    calibrate_every: Annotated[
        int | None, typer.Option(help="verify by so many, and calibrate the score anew after each time", min=1)
    ] = None,
    time_budget: Annotated[
        str | None, typer.Option(help="begin nothing new after this time, e.g. 90s, 20m or 2h")
    ] = None,
    seeds: Annotated[int, typer.Option(help="initialisations per candidate, averaged", min=1)] = 1,
    engine: Annotated[str, typer.Option(help="whose samplers propose: " + " or ".join(ENGINES))] = "optuna",
    sampler: Annotated[
        str, typer.Option(help=f"{', '.join(SAMPLERS)}; with --engine nni {', '.join(NNI_SAMPLERS)}")
    ] = "tpe",
    nni_service: Annotated[
        str | None, typer.Option(help="run a real NNI experiment, with its web portal, on this service: local")
    ] = None,
    pruner: Annotated[str, typer.Option(help=f"what gives candidates up in mid-lesson: {', '.join(PRUNERS)}")] = "none",
    scored_by: Annotated[
        str,
        typer.Option(
            "--proxy",
            help="gtn, another that correlate knows, or a sum of ranks: gtn+flops",
        ),
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
    storage: StorageOption = None,
    study: Annotated[str | None, typer.Option(help="name of the study", show_default="SPACE-DATA")] = None,
    seed: Annotated[int, typer.Option(help="seed of the sampler", min=0)] = 0,
    workers: Annotated[
        int, typer.Option(help="processes that share the study, each with its share of the threads or a GPU", min=1)
    ] = 1,
    worker: Annotated[int | None, typer.Option(hidden=True, min=0)] = None,
    budget_end: Annotated[float | None, typer.Option(hidden=True)] = None,
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
    with a study that is already in the storage; on several machines, with one database for storage, it shares it.
    """
    if workers > 1 and storage is None:
        raise UserError(
            f"--workers {workers} share a study, which must lie in a storage; add --storage sqlite:///nas.db."
        )
    if workers > 1 and engine == "nni":
        raise UserError("NNI's algorithms propose in one process; leave --workers out, or search with --engine optuna.")
    if workers > 1 and calibrate_every is not None:
        raise UserError(
            "--calibrate-every calibrates in one process between its rounds; leave --workers out, or calibrate by a "
            "truth table, with --calibrate."
        )
    if race is not None and calibrate_every is not None:
        raise UserError("--calibrate-every verifies between its rounds what a race has not seen; leave --race out.")
    minutes = None if time_budget is None else parse_minutes(time_budget)
    budget = Budget.of(None if minutes is None else 60 * minutes) if budget_end is None else Budget(budget_end)
    settings = load_settings(SearchSettings, config, assignments or [])
    taught = bool(set(proxies_in(scored_by)) & set(TAUGHT))
    sized = bool(set(proxies_in(scored_by)) & set(SIZED))
    refuse_idle(assignments or [], _idle(teacher, taught or sized, scored_by, nni_service))
    recipe = patient(settings.recipe)
    limits = Limits(max_params, max_flops, None if max_latency is None else max_latency / 1000)
    goal = Goal(tuple(objectives or ["accuracy"]), limits)
    teachers: list[FrozenTeacher] = []
    stored = None
    if teacher is not None:
        teacher = folder_of(teacher)
        teachers = [load_teacher(teacher)]
        loaded_space, task = open_for_teacher(teachers[0], space, data, device, threads, train_limit)
    else:
        loaded_space, task = open_space_and_task(space or "cnn_small", data or "digits", device, threads, train_limit)
        if taught:
            stored = find_teacher(task, loaded_space, settings.teacher.model_dump(exclude_unset=True))
            teachers = [load_teacher(stored.folder)]
    make_proposer(engine, sampler, seed, loaded_space, len(goal.names))  # refused before any work
    proxy = goal.prepared(make_score(scored_by, loaded_space, task, teachers, settings.recipe, settings.teacher))
    if race is not None:
        Race(race, proxy, goal, seeds)  # likewise
    if stored is not None and worker is None:
        note(f"teacher: [bold]{escape(str(stored.folder))}[/]")
    name = study or f"{loaded_space.name}-{task.name}"
    if workers == 1 or worker is not None:  # the parent of workers scores nothing
        if len(terms_of(scored_by)) > 1:
            note(f"{escape(scored_by)} ranks candidates among {REFERENCE} random architectures, which are scored first")
        proxy.prepare()
    known: list[Known] = []
    truth_scores: dict[str, float | None] = {}
    if calibrate is not None:
        from gtn_nas.correlation import load_truth  # statistics take seconds to import

        table = load_truth(calibrate, proxy.space, proxy.task)
        truth_scores = _scores_of(table, proxy, seeds, kept_truth_scores(storage, proxy, seeds))
        known = _known_of(table, proxy, truth_scores)

    run: Callable[..., None] = search
    if nni_service is not None:
        calibrated = calibrate is not None or calibrate_every is not None
        asked = NniSearch(nni_service, engine, sampler, seed, pruner, calibrated, scored_by)
        folder = teacher or (stored.folder if stored is not None else None)
        run = nni_experiment(asked, settings, proxy, folder, seeds, goal, device, threads, storage, name)

    studies: list[optuna.Study] = []

    def open_round(number: int, scored: Proxy) -> optuna.Study:
        named = name if number == 0 else f"{name}-round-{number + 1}"
        chosen = (engine, sampler) if nni_service is None else ("optuna", "random")  # NNI's manager proposes
        proposer = make_proposer(*chosen, seed + number, loaded_space, len(goal.names))
        opened = open_study(storage, named, scored, seeds, proposer, goal, make_pruner(pruner, scored, goal.names))
        if truth_scores:
            keep_truth_scores(opened, proxy, truth_scores)
        studies.append(opened)
        return opened

    def explore(opened: optuna.Study, scored: Proxy, count: int) -> None:
        if workers == 1:
            search_with_progress(opened, scored, count, seeds, goal, budget, run)
            return
        crew = Crew(workers, max(1, torch.get_num_threads() // workers))
        end = [] if budget.end is None else ["--budget-end", str(budget.end)]  # the clock is the machine's
        share_with_progress(opened, count, goal, budget, crew, [*sys.argv[1:], *end])

    def train(opened: optuna.Study, scored: Proxy, best: Sequence[FrozenTrial]) -> list[dict[str, Any]]:
        return verify_with_progress(opened, scored, best, recipe, budget) if best else []

    scored = proxy if calibrate is None or calibrate_every is not None else Calibrated(proxy, known)
    if worker is not None:
        work(open_round(0, scored), scored, trials, seeds, goal, budget, worker)
        return
    with saying_what_is_kept(lambda: kept_by_search(studies, trials, storage)):
        if calibrate_every is None:
            opened = open_round(0, scored)
            explore(opened, scored, trials)
            if race is not None:
                race_with_progress(opened, Race(race, scored, goal, seeds), budget)
            verified = train(opened, scored, best_trials(opened, verify_best))
        else:
            plan = Plan(trials, verify_best, calibrate_every, recipe, goal, known)
            opened = search_in_rounds(plan, proxy, open_round, explore, train, budget)
            verified = verified_by(opened, recipe)
    rows = trial_rows(opened)
    found = bool(best_trials(opened, 1))
    unverified = found and verify_best > 0 and not verified
    if unverified:
        why = "the time budget was spent" if budget.spent else "all of them failed"
        note(f"of the best, none was trained on real data: {why}.")
    if as_json:
        print_json(search_summary(opened, loaded_space, rows, verified))
    else:
        print_search(opened, loaded_space, rows, verified)
        if storage is not None and found:
            show_in_dashboard(opened, storage, teachers)
            named = shlex.join([opened.study_name, "--storage", storage])
            note(escape(f"train the winner: gtn-nas train-best {named} --out model"))
    if not found or (unverified and not budget.spent):
        raise typer.Exit(1)


def _idle(teacher: Path | None, used: bool, scored_by: str, nni_service: str | None) -> dict[str, str]:
    """Return the groups of settings that this search does not read, and why."""
    idle = {"meta": "it is for train-teacher"}
    if teacher is not None:
        idle["teacher"] = "it chooses a teacher from the store, but --teacher names one"
    elif not used:
        idle["teacher"] = f"it chooses a teacher from the store, but --proxy {scored_by} takes none"
    if nni_service is None:
        idle["nni"] = "it is for --nni-service"
    return idle


def _scores_of(
    table: TruthTable, proxy: Proxy, seeds: int, kept: Mapping[str, float | None]
) -> dict[str, float | None]:
    """Score a truth table's architectures, by key, those aside whose scores are ``kept``; None for failures."""
    from gtn_nas.correlation import ScoreBook, score_all
    from gtn_nas.correlation.score_book import KeptScore

    book = ScoreBook()
    for key, score in kept.items():
        book.keep(proxy, key, seeds, KeptScore(failure="failed before") if score is None else KeptScore(score))
    with progress_bar("scores") as progress:
        bar = progress.add_task("calibrate", total=len(table.keys), note="")

        def show(_: str, done: int, total: int) -> None:
            progress.update(bar, completed=done)

        found = score_all([proxy], table, seeds, on_score=show, book=book)[proxy.name]
    return {key: None if index in found.failed else float(found.values[index]) for index, key in enumerate(table.keys)}


def _known_of(table: TruthTable, proxy: Proxy, scores: Mapping[str, float | None]) -> list[Known]:
    """Return a truth table's architectures with their scores; those that could not be scored teach nothing."""
    counts = table.counts(proxy.space, proxy.task)
    return [
        Known(architecture, accuracy, score, int(counts["params"][index]), int(counts["flops"][index]))
        for index, (architecture, accuracy) in enumerate(table.validated)
        if (score := scores[table.keys[index]]) is not None
    ]
