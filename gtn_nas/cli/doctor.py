"""``gtn-nas doctor``."""

from __future__ import annotations

import importlib.util
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import torch
import typer
from rich.markup import escape
from rich.table import Table

from gtn_nas.cli.output import print_json, results
from gtn_nas.data.torchvision_ops import declare_missing_operators, import_torchvision
from gtn_nas.data.torchvision_sets import data_folder
from gtn_nas.device import describe_hardware, pick_device
from gtn_nas.extras import EXTRAS, how_to_install, missing_modules
from gtn_nas.search.nni.health import nni_facts
from gtn_nas.space import available_spaces

__all__ = ["doctor"]

_PACKAGES = ("gtn-nas", "torch", "torchvision", "higher", "optuna", "scipy")


def doctor(as_json: Annotated[bool, typer.Option("--json", help="print as JSON on stdout")] = False) -> None:
    """Say what works here: versions, hardware, data folder, spaces, extras, and whether an installed NNI runs."""
    facts: dict[str, object] = {"python": platform.python_version(), "platform": platform.platform()}
    facts |= {name: _version(name) for name in _PACKAGES}
    facts |= {name: value for name, value in describe_hardware(pick_device()).items() if name != "machine"}
    declared = declare_missing_operators()
    import_torchvision("datasets")
    facts["torchvision operators"] = f"schemas declared for {', '.join(declared)}" if declared else "its own"
    folder = data_folder()
    held = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    facts["data folder"] = f"{folder} ({'GTN_NAS_DATA' if 'GTN_NAS_DATA' in os.environ else 'default'})"
    facts["data folder holds"] = ", ".join(held) or "nothing yet"
    facts["search spaces"] = ", ".join(sorted(available_spaces())) or "none"
    facts |= {f"extra {extra}": _state(extra) for extra in EXTRAS}
    if importlib.util.find_spec("nni") is not None:
        facts |= nni_facts()
    facts["threads"] = torch.get_num_threads()
    if as_json:
        print_json(facts)
        return
    table = Table(show_header=False, title="gtn-nas doctor")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, escape(str(value)))
    results.print(table)


def _state(extra: str) -> str:
    missing = missing_modules(extra)
    return f"{', '.join(missing)} missing: {how_to_install(extra)}" if missing else "installed"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
