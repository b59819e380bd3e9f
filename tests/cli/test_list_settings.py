"""The list of settings."""

from __future__ import annotations

import json

import pytest

from gtn_nas.cli.list_settings import settings_command
from gtn_nas.cli.nni import SearchSettings
from gtn_nas.errors import UserError


def test_the_json_holds_every_setting_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    settings_command(as_json=True)
    listed = json.loads(capsys.readouterr().out)
    defaults = {group: {name: one["default"] for name, one in names.items()} for group, names in listed.items()}
    assert SearchSettings.model_validate(defaults) == SearchSettings()
    assert listed["teacher"]["targets"]["choices"] == ["fixed", "learned", "soft"]


def test_the_table_fits_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    settings_command("teacher")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line.split()[:2] for line in lines]
    assert ["teacher.learning_rate_decay", "–"] in rows
    assert ["teacher.steps", "32"] in rows
    assert not any("meta.seed" in line for line in lines)


def test_an_unknown_group_is_refused() -> None:
    with pytest.raises(UserError, match="no group of settings is called 'teachr'; the groups are teacher, meta, "):
        settings_command("teachr")
