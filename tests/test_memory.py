"""Freed memory stays with the process, where the allocator can be told so."""

import platform
import resource
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import torch
from gtn_nas.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
torch.set_num_threads(1)
def work():
    return sum(float(torch.ones(1 << 20).add_(1).sum()) + float(torch.ones(3 << 20).sum()) for _ in range(50))
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator can be told")
def test_the_same_memory_is_not_asked_for_again() -> None:
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt > 0  # the system counts page faults
    given, kept = (
        int(subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True).stdout)
        for how in ("give", "keep")
    )
    assert kept < max(1000, 0.2 * given)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator can be told")
def test_holes_are_given_back_once_they_are_large() -> None:
    code = """
import torch
from gtn_nas.memory import Tidier, keep_freed_memory, resident_bytes
keep_freed_memory()
tidier = Tidier(slack=32 << 20)
tidier.tidy()
def holes(megabytes):
    parts = [torch.ones(1 << 18) for _ in range(megabytes)]
    return parts[::64]  # what is kept lies between what is freed
kept = holes(16)
small = tidier.tidy()
kept += holes(256)
before = resident_bytes()
print(small, tidier.tidy(), before - resident_bytes() > 200 << 20)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "True", "True"]
