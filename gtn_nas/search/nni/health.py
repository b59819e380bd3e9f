"""Does NNI work here? Its Node binary is run, its manager started and asked for its portal."""

from __future__ import annotations

import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from gtn_nas.nni_import import import_nni
from gtn_nas.search.nni.service import free_port, nni_at, running

__all__ = ["nni_facts"]

_PATIENCE = 60.0


def nni_facts() -> dict[str, str]:
    """Return what works of an installed NNI, and why the rest does not."""
    return {"nni": version("nni"), "nni node": _tried(_node), "nni portal": _tried(_portal)}


def _tried(what: Callable[[], str]) -> str:
    try:
        return what()
    except Exception as error:  # whatever is broken is what is asked for
        return f"does not work: {str(error).splitlines()[0] if str(error) else type(error).__name__}"


def _node() -> str:
    binary = Path(next(iter(import_nni("nni_node").__path__))) / "node"
    done = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True, timeout=_PATIENCE)
    return f"{done.stdout.strip()} at {binary}"


def _portal() -> str:
    with tempfile.TemporaryDirectory() as folder, nni_at(Path(folder), "127.0.0.1"):
        experiment = import_nni("nni.experiment").Experiment("local")
        config = experiment.config
        config.experiment_working_directory = config.trial_code_directory = folder
        config.trial_command, config.trial_concurrency, config.max_trial_number = "true", 1, 1
        config.search_space, config.tuner.name = {"x": {"_type": "choice", "_value": [0]}}, "Random"
        port, began = free_port(0), time.monotonic()
        with running(experiment, port, _PATIENCE, Path(folder)):
            seconds = time.monotonic() - began
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=_PATIENCE) as page:
                return f"works, up in {seconds:.1f} s" if page.status == 200 else f"answers {page.status}"
