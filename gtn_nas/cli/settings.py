"""Settings of a run: defaults, under a TOML file, under ``--set a.b=c``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from gtn_nas.errors import UserError
from gtn_nas.meta.config import MetaConfig
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.training import Recipe

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Settings", "load_settings", "patient", "refuse_idle", "settings_of"]

_PATIENCE = 3  # epochs


class Settings(BaseModel):
    """The three groups that a file or ``--set`` may change: ``teacher.*``, ``meta.*``, ``recipe.*``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    teacher: TeacherConfig = TeacherConfig()
    meta: MetaConfig = MetaConfig()
    recipe: Recipe = Recipe()


AnySettings = TypeVar("AnySettings", bound=Settings)


def load_settings(
    model: type[AnySettings],
    path: Path | None = None,
    assignments: Sequence[str] = (),
    overrides: Mapping[str, Any] | None = None,
) -> AnySettings:
    """Return the defaults of ``model`` under the TOML file at ``path``, ``assignments``, and ``overrides``.

    Args:
        model: :class:`Settings`, or a subclass with groups of its own.
        assignments: ``group.name=value`` each.
        overrides: ``group.name`` → value; None is left out.

    Raises:
        UserError: no such file, no valid TOML, an assignment without ``=`` or to something that is no group, an
            unknown setting or a value outside its range.
    """
    tree = _read_toml(path) if path is not None else {}
    for text in assignments:
        name, separator, value = text.partition("=")
        if not separator:
            raise UserError(f"--set takes group.name=value, but got {text!r}; for example --set meta.seed=1.")
        _assign(tree, name.strip(), _parse(value.strip()))
    for name, override in (overrides or {}).items():
        if override is not None:
            _assign(tree, name, override)
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        raise UserError(_in_words(model, error.errors()[0])) from error


def refuse_idle(assignments: Sequence[str], idle: Mapping[str, str]) -> None:
    """Refuse what is assigned by --set and has no effect; a file may hold more, for it serves several verbs.

    Args:
        assignments: ``group.name=value`` each.
        idle: groups that are not read, and why.

    Raises:
        UserError: one of them is assigned to.
    """
    for text in assignments:
        why = idle.get(text.partition(".")[0].strip())
        if why is not None:
            raise UserError(f"--set {text} has no effect here: {why}; leave it out.")


def settings_of(model: type[Settings]) -> dict[str, dict[str, FieldInfo]]:
    """Return the settings of every group of ``model``: group → name → what is known of it."""
    groups = {name: field.annotation for name, field in model.model_fields.items()}
    return {
        name: dict(kind.model_fields)
        for name, kind in groups.items()
        if isinstance(kind, type) and issubclass(kind, BaseModel)
    }


def patient(recipe: Recipe) -> Recipe:
    """Return the recipe of verifications: it ends early by default, which tables of truth do not."""
    return recipe if "patience" in recipe.model_fields_set else recipe.model_copy(update={"patience": _PATIENCE})


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read settings file {path} ({error.strerror}); check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid TOML ({error}); correct it.") from error


def _in_words(model: type[Settings], fault: ErrorDetails) -> str:
    """Return one sentence for a fault that pydantic found."""
    place, given = [str(part) for part in fault["loc"]], fault["input"]
    if fault["type"] == "extra_forbidden":
        of_group = [next(iter(given))] if len(place) == 1 and isinstance(given, dict) and given else []
        return _unknown(settings_of(model), [*place, *of_group])
    if fault["type"] == "value_error":  # settings that do not go together; the sentence says all
        return f"setting {'.'.join(place)}: {fault['ctx']['error']}."
    if len(place) == 1:
        return f"{place[0]} is a group of settings, but got {given!r}; write {place[0]}.NAME=VALUE."
    return f"setting {'.'.join(place)}: {fault['msg'].lower()}, but got {given!r}."


def _unknown(groups: Mapping[str, Iterable[str]], place: Sequence[str]) -> str:
    """Say which setting was meant; all of the group, or the groups, where none is near."""
    *group, name = place[:2]
    searched = {one: names for one, names in groups.items() if [one] == group} or groups
    near = [f"{one}.{found}" for one, names in searched.items() for found in get_close_matches(name, names, 2, 0.7)]
    exact = [full for full in near if full.endswith(f".{name}")]
    said = f"unknown setting {'.'.join(place)}; "
    if near:
        return said + f"did you mean {' or '.join(exact or near)}? gtn-nas settings lists all."
    if searched is not groups:
        return said + f"the settings of {group[0]} are {', '.join(groups[group[0]])}."
    return said + f"settings are written GROUP.NAME=VALUE, and the groups are {', '.join(groups)}."


def _assign(tree: dict[str, Any], name: str, value: Any) -> None:
    *groups, last = name.split(".")
    for group in groups:
        tree = tree.setdefault(group, {})
        if not isinstance(tree, dict):
            raise UserError(f"setting {name!r} has a value where a group is needed; write group.name=value.")
    tree[last] = value


def _parse(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:  # a bare word is a string
        return text
