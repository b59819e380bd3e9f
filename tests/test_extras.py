"""Optional packages are named with what installs them."""

from __future__ import annotations

import pytest

from gtn_nas.cli.settings import tomllib
from gtn_nas.errors import UserError
from gtn_nas.extras import EXTRAS, missing_modules, need_extra
from tests.conftest import REPOSITORY


def test_every_extra_of_the_package_is_known() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert EXTRAS.keys() == project["optional-dependencies"].keys()


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, "log", ("json", "os.path"))
    assert missing_modules("log") == []
    monkeypatch.setitem(EXTRAS, "log", ("json", "no_such_module", "no_such_package.part"))
    assert missing_modules("log") == ["no_such_module", "no_such_package.part"]
    with pytest.raises(UserError, match=r"^it needs a package .*; pip install '\.\[log\]' in the folder of gtn-nas\.$"):
        need_extra("no_such_module", "log", "it")
