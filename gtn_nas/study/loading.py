"""Find a study: a shipped one by its name, or a TOML file."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gtn_nas.errors import UserError
from gtn_nas.meta.inner import inner_optimiser
from gtn_nas.space import load_space
from gtn_nas.study.claims import Place
from gtn_nas.study.merging import merged
from gtn_nas.study.plan import Plan
from gtn_nas.study.study import KINDS, ScaleName, Study
from studies import shipped_files

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["load_plan", "load_study", "shipped_studies"]


def shipped_studies() -> Iterator[Study]:
    """Yield the studies that come with the package, by name."""
    for name, tree in _shipped().items():
        yield _study(name, _whole(name, tree))


def load_study(name: str) -> Study:
    """Return the shipped study ``name``, or the one in the file of that path.

    A file may say ``extends = "NAME"``: all that it does not say itself is as in that shipped study.

    Raises:
        UserError: there is none, it cannot be read, or it does not say what a study must.
    """
    if not name.endswith(".toml"):
        return _study(name, _whole(name, _find(name)))
    path = Path(name)
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read study {path} ({error.strerror}); check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid TOML ({error}); correct it.") from error
    return _study(name, _whole(path.stem, {"given": name, **tree}))


def load_plan(study: Study, scale: ScaleName) -> Plan:
    """Return what ``study`` does at ``scale``, all its runs' settings checked.

    Raises:
        UserError: the study has no such scale, is of no known kind, a setting is unknown or out of range, or a claim is
            about a variant that there is not.
    """
    if scale not in study.scales:
        raise UserError(f"study {study.name!r} has no scale {scale!r}; use one of {', '.join(study.scales)}.")
    if study.kind not in KINDS:
        raise UserError(f"study {study.name!r}: unknown kind {study.kind!r}; use one of {', '.join(KINDS)}.")
    module, _, class_name = KINDS[study.kind].partition(":")
    plan_type: type[Plan] = getattr(importlib.import_module(module), class_name)
    try:
        plan = plan_type.model_validate(merged(study.settings, study.scales[scale].settings))
        variants = {run.variant for run in plan.runs()} | plan.summaries
    except ValidationError as error:
        raise UserError(f"study {study.name!r}, scale {scale}: {_first(error)}.") from error
    for name in plan.spaces:
        load_space(name)
    for lesson in plan.lessons:
        inner_optimiser(lesson.inner)
    for place in _places(study):
        if place.variant not in variants:
            raise UserError(
                f"study {study.name!r}, scale {scale}: a claim or a published figure is about {place.variant!r}, but "
                f"the variants are {', '.join(sorted(variants))}; correct it."
            )
    return plan


def _places(study: Study) -> list[Place]:
    claimed = [place for claim in study.claims for place in (claim.first, claim.second)]
    return [*(place for place in claimed if isinstance(place, Place)), *(one.what for one in study.published)]


def _shipped() -> dict[str, dict[str, Any]]:
    trees = {name: tomllib.loads(text) for name, text in shipped_files()}
    return {name: tree for name, tree in trees.items() if {"kind", "extends"} & set(tree)}  # the demo's is no study


def _find(name: str) -> dict[str, Any]:
    known = _shipped()
    if name not in known:
        raise UserError(f"unknown study {name!r}; use one of {', '.join(known)}, or path/to/file.toml.")
    return known[name]


def _whole(name: str, tree: dict[str, Any]) -> dict[str, Any]:
    """Return a study's settings over those of the one that it extends."""
    if (base := tree.get("extends")) is None:
        return {"name": name, "given": name, **tree}
    below = _find(str(base))
    if "extends" in below:
        raise UserError(f"study {name} extends {base}, which extends {below['extends']}; extend that one.")
    return merged({"name": name, "given": name}, below, {key: value for key, value in tree.items() if key != "extends"})


def _study(name: str, tree: dict[str, Any]) -> Study:
    try:
        return Study.model_validate(tree)
    except ValidationError as error:
        raise UserError(f"study {name}: {_first(error)}.") from error


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    where = f"setting {place}: " if place else ""
    if first["type"] == "value_error":
        return f"{where}{first['ctx']['error']}"
    got = "" if first["type"] == "missing" else f", but got {first['input']!r}"
    return f"{where}{first['msg'].lower()}{got}"
