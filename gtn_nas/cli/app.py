"""The command line: one verb a file, errors of the user's in one sentence."""

from __future__ import annotations

import sys
import warnings

import optuna
import typer

from gtn_nas.cli import correlate, demo, doctor, search, show, train_teacher, truth
from gtn_nas.cli.output import note
from gtn_nas.errors import UserError

__all__ = ["app", "main"]

app = typer.Typer(
    name="gtn-nas",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Cheap, measured architecture search with Generative Teaching Networks.",
)
app.command("demo")(demo.demo)
app.command("train-teacher")(train_teacher.train_teacher_command)
app.command("search")(search.search_command)
app.command("truth")(truth.truth_command)
app.command("correlate")(correlate.correlate_command)
app.command("show")(show.show)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run the command line; exit 2 on the user's errors, 130 when interrupted."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    try:
        app()
    except UserError as error:
        note(f"[bold red]error:[/] {error}", markup_of=str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        note("interrupted.")
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output went away
        sys.stderr.close()
        sys.exit(0)
