"""Running verbs as a user does, in this process."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from warnings import catch_warnings

import pytest

from gtn_nas.cli.app import main

TINY = ["--set", "teacher.steps=4", "--set", "teacher.batch_size=10", "--set", "teacher.warm_start=2"]
TINY += ["--set", "meta.exam_every=2", "--set", "meta.real_batch=32", "--threads", "1"]


@dataclass(frozen=True)
class Done:
    """What a verb printed."""

    stdout: str
    stderr: str


def run(*words: str | Path, code: int = 0) -> Done:
    """Run a verb in this process: a new one takes seconds to import everything."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err), catch_warnings():
        patch.setattr(sys, "argv", ["gtn-nas", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
    assert (stopped.value.code or 0) == code, err.getvalue()
    return Done(out.getvalue(), err.getvalue())


def refused(*words: str | Path) -> str:
    """Run a verb that must be refused, and return its one sentence."""
    done = run(*words, code=2)
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr
