"""What a search shows: a live view while it runs, then the best candidates."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial
from rich.markup import escape
from rich.table import Table

from gtn_nas.cli.crew import Crew, run_crew
from gtn_nas.cli.output import count, describe, note, progress_bar, results
from gtn_nas.cli.search_live import SearchView, in_words
from gtn_nas.extras import how_to_install
from gtn_nas.proxy import Proxy
from gtn_nas.search import Budget, Goal, Race, best_trials, search, settled_trials, verify
from gtn_nas.search.evaluator import CandidateFailed
from gtn_nas.search.ledger import architecture_of, scored_trials, standings
from gtn_nas.search.race import lessons
from gtn_nas.search.storage import without_password
from gtn_nas.space import SearchSpace
from gtn_nas.teacher.frozen import FrozenTeacher
from gtn_nas.training import Recipe

__all__ = [
    "kept_by_search",
    "print_search",
    "race_with_progress",
    "search_summary",
    "search_with_progress",
    "share_with_progress",
    "show_in_dashboard",
    "verify_with_progress",
]


def search_with_progress(
    study: optuna.Study,
    proxy: Proxy,
    trials: int,
    seeds: int,
    goal: Goal | None = None,
    budget: Budget | None = None,
    run: Callable[..., None] = search,
) -> None:
    """Search with a live view; ``run`` is what searches."""
    goal = goal or Goal()
    with SearchView(study, trials, goal) as view:
        run(study, proxy, trials, seeds, on_trial=view.update, goal=goal, budget=budget)


def share_with_progress(
    study: optuna.Study, trials: int, goal: Goal, budget: Budget, crew: Crew, words: Sequence[str]
) -> None:
    """Have a crew search with a live view of what the study comes to hold.

    Raises:
        UserError: no worker is left.
    """

    def done() -> bool:
        view.update()
        return budget.spent or len(settled_trials(study)) >= trials

    with SearchView(study, trials, goal) as view:
        run_crew(crew, words, done)


def kept_by_search(studies: Sequence[optuna.Study], trials: int, storage: str | None) -> str:
    """Say what the latest of ``studies``, if any was opened, keeps."""
    if storage is None:
        return "no --storage: nothing was kept."
    if not studies:
        return ""
    kept = f"{len(settled_trials(studies[-1]))} of {count(trials, 'candidate is', 'candidates are')} kept"
    return f"{kept} in [bold]{escape(without_password(storage))}[/]; the same command goes on."


def race_with_progress(study: optuna.Study, race: Race, budget: Budget) -> None:
    """Race the best candidates with a live line."""
    race.proxy.prepare()
    entered = min(race.field, len(scored_trials(study)))
    with progress_bar("scored") as progress:
        bar = progress.add_task("race", total=lessons(entered), note="")
        race.run(study, budget, lambda: progress.update(bar, advance=1))


def verify_with_progress(
    study: optuna.Study, proxy: Proxy, best: Sequence[FrozenTrial], recipe: Recipe, budget: Budget | None = None
) -> list[dict[str, Any]]:
    """Train the best candidates on real data with a live line."""
    with progress_bar("trained") as progress:
        bar = progress.add_task("verify", total=len(best), note="")

        def show(row: dict[str, Any]) -> None:
            progress.update(bar, advance=1, note=f"validation {row['validation_accuracy']:.3f}")

        def failed(trial: FrozenTrial, failure: CandidateFailed) -> None:
            progress.update(bar, advance=1)
            note(f"candidate {trial.number} could not be trained: {escape(str(failure))}")

        return verify(study, proxy, best, recipe, on_verified=show, budget=budget, on_failure=failed)


def search_summary(
    study: optuna.Study, space: SearchSpace, rows: list[dict[str, Any]], verified: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return what ``--json`` prints."""
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
            "race": _race_of(study, best[0]),
        },
        "verified": verified,
        "winner": verified[0] if verified else None,
        "regret": _regret(study, verified),
    }


def _race_of(study: optuna.Study, trial: FrozenTrial) -> dict[str, float] | None:
    one = standings(study).get(trial.user_attrs["key"])
    return None if one is None else {"value": one.value, "initialisations": one.initialisations}


def print_search(
    study: optuna.Study, space: SearchSpace, rows: list[dict[str, Any]], verified: list[dict[str, Any]]
) -> None:
    """Print the best candidates, those that were trained for real where there are any, and the winner."""
    failures = [row for row in rows if row["state"] == "FAIL"]
    if failures:
        reason = escape(failures[0]["reason"])
        note(f"[yellow]{len(failures)} of {count(len(rows), 'candidate')} failed[/]; first reason: {reason}")
    table = Table(title=f"best of {count(len(rows), 'candidate')}" + (", trained on real data" if verified else ""))
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
                *in_words(names, row["values"]),
                f"{row['params']:,}",
                f"{row['validation_accuracy']:.3f}",
                f"{row['test_accuracy']:.3f}",
            )
        winner = verified[0]["architecture"]
    else:
        best, raced = best_trials(study, 5), standings(study)
        if raced:
            table.add_column("mean of", justify="right")
        for trial in best:
            standing = raced.get(trial.user_attrs["key"])
            values = trial.values if standing is None else [standing.value]
            mean = [] if not raced else ["" if standing is None else f"{standing.initialisations}"]
            table.add_row(str(trial.number), *in_words(names, values), f"{trial.user_attrs['params']:,}", *mean)
        if not best:
            note("no candidate could be scored.")
            return
        winner = architecture_of(best[0], space)
    results.print(table)
    results.print(f"[bold]winner:[/] {describe(winner)}", soft_wrap=True)
    if verified:
        results.print(f"[bold]real test accuracy: {verified[0]['test_accuracy']:.4f}[/]")
        epochs = [row["epochs"] for row in verified if "epochs" in row]
        if epochs:
            spread = " to ".join(dict.fromkeys((f"{min(epochs):.3g}", f"{max(epochs):.3g}")))
            results.print(f"The real trainings took {spread} {'epoch' if spread == '1' else 'epochs'}.")
        regret = _regret(study, verified)
        if regret is not None:
            results.print(
                f"Among the verified, the score's own favourite is {100 * regret:.2f} points of validation accuracy "
                "behind the best: what the search would have missed without real training.",
                soft_wrap=True,
            )


def _regret(study: optuna.Study, verified: Sequence[dict[str, Any]]) -> float | None:
    """Return the validation accuracy that the score's own favourite is behind the best of the verified."""
    by_key = {row["key"]: row for row in verified}
    ranked = [trial.user_attrs["key"] for trial in best_trials(study, len(study.trials))]
    favourite = next((by_key[key] for key in ranked if key in by_key), None)
    if favourite is None or len(verified) < 2:
        return None
    best = max(row["validation_accuracy"] for row in verified)
    return float(best - favourite["validation_accuracy"])


def show_in_dashboard(study: optuna.Study, storage: str, teachers: Sequence[FrozenTeacher]) -> None:
    """Write the study's note, figures and pictures, where the dashboard is installed; say how to watch it."""
    from gtn_nas.dashboard import can_show, show_study  # figures take a second to import

    if can_show():
        show_study(study, storage, teachers[0] if teachers else None)
        note(f"watch it: gtn-nas dashboard --storage {escape(shlex.quote(storage))}")
    else:
        command = f"gtn-nas dashboard --storage {shlex.quote(storage)}"
        note(escape(f"watch it in the browser: {how_to_install('dashboard')}; {command}"))
