"""OpenMP's threads wait briefly, wherever it is GNU's."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SAID = """
import sys
import gtn_nas.cli.app
assert not {"torch", "sklearn"} & sys.modules.keys()  # it is told before it is loaded
gtn_nas.openmp.wait_briefly()
import torch
"""


def said_by(**environment: str) -> str:
    own = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    asked = {**own, "OMP_DISPLAY_ENV": "verbose", **environment}
    return subprocess.run([sys.executable, "-c", SAID], env=asked, capture_output=True, text=True, check=True).stderr


def test_the_command_line_has_threads_wait_briefly() -> None:
    said = said_by()
    if "GOMP_SPINCOUNT" not in said:
        pytest.skip("PyTorch's OpenMP is not GNU's here")
    assert "GOMP_SPINCOUNT = '1000'" in said
    assert "GOMP_SPINCOUNT = '7'" in said_by(GOMP_SPINCOUNT="7")
    assert "GOMP_SPINCOUNT = '1000'" not in said_by(OMP_WAIT_POLICY="active")
