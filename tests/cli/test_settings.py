"""Settings: defaults under a file, under assignments, under options."""

from __future__ import annotations

from pathlib import Path

import pytest

from gtn_nas.cli.demo import DemoSettings
from gtn_nas.cli.nni import SearchSettings
from gtn_nas.cli.settings import Settings, load_settings, settings_of
from gtn_nas.errors import UserError
from gtn_nas.meta import inner_optimiser
from studies import study_file
from tests.conftest import REPOSITORY

TEACHERS = sorted((REPOSITORY / "studies" / "teachers").glob("*.toml"))


def test_the_later_goes_over_the_earlier(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text("[meta]\nseed = 1\nreal_batch = 7\n[recipe]\nepochs = 3\n")
    settings = load_settings(Settings, path, ["meta.seed=2", "teacher.inner=momentum"], {"recipe.epochs": 4})
    assert (settings.meta.seed, settings.meta.real_batch, settings.recipe.epochs) == (2, 7, 4)
    assert settings.teacher.inner == "momentum"
    assert load_settings(Settings, overrides={"meta.seed": None}) == Settings()


def test_the_shipped_demo_has_a_plan_and_may_be_changed(tmp_path: Path) -> None:
    path = tmp_path / "demo.toml"
    path.write_text(study_file("demo").read_text(encoding="utf-8"))
    settings = load_settings(DemoSettings, path, ["demo.candidates=5"])
    assert settings.demo.candidates == 5
    assert settings.meta.minutes is not None
    assert settings.meta.iterations is None


@pytest.mark.parametrize("path", TEACHERS, ids=[path.stem for path in TEACHERS])
def test_the_settings_of_shipped_teachers_hold(path: Path) -> None:
    """They can be trained as their first line says: the inner optimiser exists, every name is a setting."""
    settings = load_settings(Settings, path)
    assert inner_optimiser(settings.teacher.inner).name == settings.teacher.inner
    command = path.read_text().splitlines()[0]
    assert f"--config studies/teachers/{path.name} " in command


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("demo.candidates=0", r"setting demo\.candidates: .* but got 0\.$"),
        ("demo.colour=red", r"unknown setting demo\.colour; the settings of demo are data, .*score_seeds\.$"),
        ("demo=3", r"^demo is a group of settings, but got 3; write demo\.NAME=VALUE\.$"),
        ("demo.candidates.more=3", "has a value where a group is needed"),
    ],
)
def test_faults_in_the_demos_own_group_are_told_as_in_the_others(tmp_path: Path, assignment: str, says: str) -> None:
    path = tmp_path / "demo.toml"
    path.write_text(study_file("demo").read_text(encoding="utf-8"))
    with pytest.raises(UserError, match=says):
        load_settings(DemoSettings, path, [assignment])


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("teacher.stepps=3", "unknown setting teacher.stepps; did you mean teacher.steps? gtn-nas settings lists all."),
        ("steps=3", "unknown setting steps; did you mean teacher.steps? gtn-nas settings lists all."),
        ("teachr.steps=3", "unknown setting teachr.steps; did you mean teacher.steps? gtn-nas settings lists all."),
        (
            "batch_size=3",
            "unknown setting batch_size; did you mean teacher.batch_size or recipe.batch_size? gtn-nas settings lists "
            "all.",
        ),
        (
            "colour=3",
            "unknown setting colour; settings are written GROUP.NAME=VALUE, and the groups are teacher, meta, recipe.",
        ),
    ],
)
def test_an_unknown_setting_is_told_with_what_was_meant(assignment: str, says: str) -> None:
    with pytest.raises(UserError) as refusal:
        load_settings(Settings, assignments=[assignment])
    assert str(refusal.value) == says


@pytest.mark.parametrize("model", [SearchSettings, DemoSettings])
def test_settings_are_known_by_their_groups(model: type[Settings]) -> None:
    assert settings_of(model).keys() == model.model_fields.keys()


def test_every_setting_says_what_it_means() -> None:
    silent = {
        f"{group}.{name}"
        for group, fields in settings_of(SearchSettings).items()
        for name, field in fields.items()
        if not field.description
    }
    assert silent == set()
