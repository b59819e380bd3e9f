"""Imports run one way: every folder uses only those below it, and heavy extras load where they are used."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FROM_THE_TOP = [
    {"cli"},
    {"bench", "dashboard", "study"},
    {"report"},
    {"correlation"},
    {"search"},
    {"calibration"},
    {"proxy"},
    {"meta"},
    {"teacher", "training"},
    {"model", "robustness"},
    {"nets", "space", "task", "data"},
    {
        "device",
        "errors",
        "extras",
        "files",
        "fingerprint",
        "memory",
        "nni_import",
        "openmp",
        "parallel",
        "processes",
        "seeding",
    },
]
LEVEL = {name: -depth for depth, names in enumerate(FROM_THE_TOP) for name in names}
OPTIONAL = {"nni", "higher", "plotly", "optuna_dashboard", "onnx"}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path, everywhere: bool = True) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def folder_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "gtn_nas" and len(parts) > 1 else None


@pytest.mark.parametrize("path", modules("gtn_nas"), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_downwards(path: Path) -> None:
    mine = path.relative_to(ROOT / "gtn_nas").parts[0].removesuffix(".py")
    if mine.startswith("__"):
        return
    for module in imported(path):
        other = folder_of(module)
        if other is not None and other != mine:
            assert LEVEL[other] <= LEVEL[mine], f"{mine} may not import {other}"


def test_spaces_know_only_their_contract() -> None:
    for path in modules("search_spaces"):
        assert {folder_of(module) for module in imported(path)} <= {None, "space", "task", "nets"}


def test_optional_packages_load_where_they_are_used() -> None:
    for path in [*modules("gtn_nas"), *modules("search_spaces"), *modules("studies")]:
        assert not {module.split(".")[0] for module in imported(path, everywhere=False)} & OPTIONAL, path
