"""The command line: one verb a file, errors of the user's in one sentence."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import signal
import sys
import warnings
from pathlib import Path
from typing import Annotated

import optuna
import typer

from gtn_nas import __version__
from gtn_nas.cli.output import fail, help_of, note, results
from gtn_nas.errors import UserError
from gtn_nas.memory import keep_freed_memory
from gtn_nas.openmp import wait_briefly

__all__ = ["GROUPS", "VERBS", "main", "make_app"]

VERBS = {
    "demo": "gtn_nas.cli.demo:demo",
    "train-teacher": "gtn_nas.cli.train_teacher:train_teacher_command",
    "search": "gtn_nas.cli.search:search_command",
    "storage": "gtn_nas.cli.storage:storage_command",
    "dashboard": "gtn_nas.cli.dashboard:dashboard_command",
    "train-best": "gtn_nas.cli.train_best:train_best_command",
    "robustness": "gtn_nas.cli.robustness:robustness_command",
    "truth": "gtn_nas.cli.truth:truth_command",
    "correlate": "gtn_nas.cli.correlate:correlate_command",
    "spaces": "gtn_nas.cli.spaces:spaces_command",
    "teachers": "gtn_nas.cli.teachers:teachers_command",
    "settings": "gtn_nas.cli.list_settings:settings_command",
    "show": "gtn_nas.cli.show:show",
    "export": "gtn_nas.cli.export:export_command",
    "bench": "gtn_nas.cli.bench:bench_command",
    "doctor": "gtn_nas.cli.doctor:doctor",
}
GROUPS = {"study": "gtn_nas.cli.study:study_verbs"}  # verbs of several words
_VERSION = "--version"


def make_app(words: list[str]) -> typer.Typer:
    """Return the application; of the verbs only the one that ``words`` begin with is loaded.

    Statistics and plotting take seconds to import, which neither a search nor a list of the verbs need wait for.
    """
    app = typer.Typer(
        name="gtn-nas",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_program)
    for verb, place in {**VERBS, **GROUPS}.items():
        module, _, function = place.partition(":")
        if words[:1] == [verb]:
            asked = getattr(importlib.import_module(module), function)
            if verb in GROUPS:
                app.add_typer(asked(), name=verb)
            else:
                app.command(verb, help=help_of(asked))(asked)
        else:
            app.command(verb, help=_summary(module, function))(_not_loaded)
    return app


def _summary(module: str, function: str) -> str:
    """Return the first line of a verb's docstring without importing what the verb needs."""
    found = importlib.util.find_spec(module)
    source = Path(found.origin).read_text(encoding="utf-8") if found is not None and found.origin else ""
    named = (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == function)
    return (ast.get_docstring(next(named)) or "").partition("\n\n")[0]


def _not_loaded() -> None:
    raise AssertionError("this verb is listed, and was not asked for")


def _say_version(wanted: bool) -> None:
    if wanted:
        results.print(f"gtn-nas {__version__}", highlight=False)
        raise typer.Exit


def _program(
    version: Annotated[
        bool, typer.Option(_VERSION, help="print the version", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    """Cheap, measured architecture search with Generative Teaching Networks."""


def main() -> None:
    """Run the command line; exit 2 on the user's errors, 130 when interrupted."""
    keep_freed_memory()
    wait_briefly()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's stop saves what Ctrl-C saves
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    try:
        make_app(sys.argv[1:])()
    except UserError as error:
        fail(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        note("interrupted.")
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output went away
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        fail(f"cannot use {error.filename or 'a file'}: {error.strerror or error}; check the path and the disk.")
        sys.exit(2)
