from __future__ import annotations

from pathlib import Path

import pytest

from gtn_nas.errors import UserError
from gtn_nas.study import load_plan, load_study, shipped_studies
from gtn_nas.study.claims import Place
from gtn_nas.study.study import Study

SHIPPED = {study.name: study for study in shipped_studies()}
PLAIN = """
kind = "lessons"
title = "t"
about = "a"
settings = { data = "digits", seeds = 2, space = "cnn_small", variants.a.teacher.steps = 3 }
scales.smoke.note = "n"
"""


def places(study: Study) -> list[Place]:
    claimed = [place for claim in study.claims for place in (claim.first, claim.second) if isinstance(place, Place)]
    return [*claimed, *(one.what for one in study.published)]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_studies_can_be_run_at_every_scale(name: str) -> None:
    study = SHIPPED[name]
    assert set(study.scales) == {"smoke", "cpu", "full"}
    assert not study.scales["smoke"].comparable
    for scale in study.scales:
        plan = load_plan(study, scale)
        runs = plan.runs()
        assert len({run.key for run in runs}) == len(runs)
        assert scale == "smoke" or plan.seeds >= 3
        variants = {run.variant for run in runs}
        assert {place.variant for place in places(study)} <= variants | plan.summaries


def test_the_demo_is_no_study() -> None:
    assert "demo" not in SHIPPED
    with pytest.raises(UserError, match=r"unknown study 'demo'; use one of .*goodai_curriculum"):
        load_study("demo")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (PLAIN.replace("steps = 3", "steps = 0"), "scale smoke: setting steps: input should be greater"),
        (PLAIN.replace("seeds = 2", "seeds = 0"), "scale smoke: setting seeds: .*, but got 0"),
        (PLAIN.replace("variants.a.", "variants.'a/b/c'."), "has two slashes; write group/name"),
        (PLAIN.replace('"lessons"', '"games"'), "kind 'games'; use one of lessons, .*, searches, robustness"),
        (PLAIN.replace("smoke", "tiny"), "setting scales.tiny"),
        (PLAIN.replace("smoke", "cpu"), "no scale 'smoke'; use one of cpu"),
        (PLAIN + "colour = 1", "setting colour: extra inputs are not permitted"),
        ("kind = ", "is not valid TOML"),
        ('extends = "games"', "unknown study 'games'; use one of cnn_small_search"),
        ('extends = "cnn_small_search_cifar10"', "which extends cnn_small_search; extend that one"),
        ('extends = "cnn_small_search"\nsettings.colour = 1', "scale smoke: setting colour: extra inputs"),
    ],
)
def test_bad_studies_are_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=says):
        load_plan(load_study(str(path)), "smoke")


def test_a_file_is_a_study(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(PLAIN + "scales.smoke.settings.variants.a.meta.exam_every = 7\nscales.smoke.settings.seeds = 1\n")
    study = load_study(str(path))
    (run,) = load_plan(study, "smoke").runs()
    assert study.name == "mine"
    assert run.settings["teacher"]["steps"] == 3
    assert run.settings["meta"]["exam_every"] == 7
    with pytest.raises(UserError, match="cannot read study"):
        load_study(str(tmp_path / "none.toml"))


def test_a_study_extends_another(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('extends = "uber_nas"\ntitle = "t"\nsettings.seeds = 7\nscales.smoke.settings.batch_size = 3\n')
    mine, theirs = load_study(str(path)), load_study("uber_nas")
    assert (mine.name, mine.title, mine.kind, mine.claims) == ("mine", "t", theirs.kind, theirs.claims)
    assert mine.settings == {**theirs.settings, "seeds": 7}
    assert mine.scales["smoke"].settings == {**theirs.scales["smoke"].settings, "batch_size": 3}
    assert mine.scales["full"] == theirs.scales["full"]
