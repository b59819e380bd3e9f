"""OpenMP's threads wait briefly, wherever it is GNU's."""

from __future__ import annotations

import os
import subprocess
import sys

SAID = """
import os, sys
import gtn_nas.cli.app
assert not {"torch", "sklearn"} & sys.modules.keys()  # it is told before it is loaded
gtn_nas.openmp.wait_briefly()
print(os.environ.get("GOMP_SPINCOUNT"))
import torch
"""


def said_by(**environment: str) -> tuple[str, str]:
    """Return what the process is told, and on Linux what PyTorch's OpenMP says of it when it is loaded."""
    own = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    asked = {**own, "OMP_DISPLAY_ENV": "verbose", **environment}
    ended = subprocess.run([sys.executable, "-c", SAID], env=asked, capture_output=True, text=True, check=True)
    return ended.stdout.strip(), ended.stderr


def test_the_command_line_has_threads_wait_briefly() -> None:
    told, heard = said_by()
    assert told == "1000"
    assert sys.platform != "linux" or "GOMP_SPINCOUNT = '1000'" in heard


def test_what_the_user_has_set_stays() -> None:
    assert said_by(GOMP_SPINCOUNT="7")[0] == "7"
    assert said_by(OMP_WAIT_POLICY="active")[0] == "None"
