"""The page "Bring your own space" does what it says, from a file and from an installed package."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gtn_nas.space import load_space
from gtn_nas.space.checking import check_space
from gtn_nas.task import Task
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "spaces.md").read_text(encoding="utf-8")
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A tiny package with the page's space and entry point."""
    entry = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
    target = re.findall(r'towers = "(.*?)"', entry)[0]
    assert target == "my_package.towers:Towers"
    path = tmp_path / "my_package-1.0-py3-none-any.whl"
    about = "my_package-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("my_package/__init__.py", "")
        archive.writestr("my_package/towers.py", CODE)
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/entry_points.txt", f"[gtn_nas.search_spaces]\ntowers = {target}\n")
        archive.writestr(f"{about}/RECORD", "")
    return path


def test_the_pages_space_is_fit_for_use(digits: Task, tmp_path: Path) -> None:
    (tmp_path / "towers.py").write_text(CODE)
    space = load_space(f"{tmp_path / 'towers.py'}:Towers")
    assert [check.fault for check in check_space(space, digits)] == [""] * 6


def test_an_installed_package_adds_its_space(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    words = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    installed = run(site, *words, "--target", str(site), str(wheel))
    assert installed.returncode == 0, installed.stderr
    listed = run(site, "gtn_nas", "spaces", "--json")
    assert "towers" in [space["name"] for space in json.loads(listed.stdout)["spaces"]]
    search = [
        "gtn_nas",
        "search",
        "--space",
        "towers",
        "--proxy",
        "synflow",
        "--trials",
        "3",
        "--threads",
        "1",
        "--json",
    ]
    found = run(site, *search)
    assert found.returncode == 0, found.stderr
    assert set(json.loads(found.stdout)["best"]["architecture"]) == {"depth", "width", "kernel", "norm"}
