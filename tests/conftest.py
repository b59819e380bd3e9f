"""What all tests share: the digits task, real data sets where they are at hand, and a stand-in for a task."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from gtn_nas.meta.inner import Muon
from gtn_nas.task import Task, load_task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.frozen import FrozenTeacher
from gtn_nas.teacher.lesson import Lesson
from gtn_nas.teacher.schedule import Schedule
from search_spaces.cnn_small import CnnSmall

REPOSITORY = Path(__file__).parents[1]
with_nni = pytest.mark.skipif(  # `make test-nni` runs them, in an environment of their own
    find_spec("nni") is None, reason="NNI is not installed: pip install '.[nni]', or make test-nni"
)
REAL_SETS = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}


@dataclass(frozen=True)
class Shape:
    """All that a search space may know of a task."""

    image_shape: tuple[int, int, int] = (1, 8, 8)
    classes: int = 10


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shape() -> type[Shape]:
    return Shape


@pytest.fixture(scope="session")
def digits() -> Task:
    return load_task("digits")


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    """The folder that holds the real MNIST and Fashion-MNIST files."""
    named = os.environ.get("GTN_NAS_DATA")
    root = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    for folder in REAL_SETS.values():
        if not (root / folder / "raw" / "train-images-idx3-ubyte").is_file():
            pytest.skip(f"{folder} is not in {root}; set GTN_NAS_DATA to the folder that holds it")
    return root


@pytest.fixture(scope="session", params=["digits", *REAL_SETS])
def real_task(request: pytest.FixtureRequest) -> Iterator[Task]:
    """Every real data set that is present; the digits always are."""
    if request.param == "digits":
        yield request.getfixturevalue("digits")
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GTN_NAS_DATA", str(request.getfixturevalue("mnist_root")))
        yield load_task(request.param)


@pytest.fixture(scope="session")
def run_python() -> Callable[[str], str]:
    """Run code in a fresh interpreter, warnings being errors, and return what it prints."""

    def run(code: str) -> str:
        command = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture(scope="session")
def tiny_teacher(digits: Task) -> FrozenTeacher:
    """A lesson of eight real batches at Muon's own rates: good enough to score with."""
    rng = torch.Generator().manual_seed(0)
    batches = [digits.train.sample(20, rng) for _ in range(8)]
    hyper = {name: part.detach() for name, part in Schedule(Muon.hyperparameters, 8, Muon.decay)().items()}
    lesson = Lesson(torch.stack([x for x, _ in batches]), torch.stack([y for _, y in batches]), hyper)
    space = CnnSmall()
    card = {
        "task": digits.name,
        "task_fingerprint": digits.fingerprint,
        "classes": 10,
        "space": space.name,
        "space_fingerprint": space.fingerprint,
        "pixel_mean": list(digits.mean),
        "pixel_std": list(digits.std),
        "curve": [{"number": 0, "loss": 2.0, "accuracy": 0.3, "seconds": 0.1}],
    }
    return FrozenTeacher(lesson, TeacherConfig(steps=8, batch_size=20), card)
