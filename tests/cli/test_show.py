"""Looking at teachers and spaces, as a user does."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.running import refused, run


def test_show_prints_the_card_and_draws_the_images(workshop: Path, tmp_path: Path) -> None:
    card = json.loads(run("show", workshop / "teacher", "--grid", tmp_path / "grid.png", "--json").stdout)
    assert card["task"] == "digits"
    assert (tmp_path / "grid.png").read_bytes().startswith(b"\x89PNG")
    assert "mean_validation_accuracy" in run("show", workshop / "teacher").stdout


def test_a_listed_name_serves_as_a_folder(tmp_path: Path) -> None:
    assert json.loads(run("show", "digits-cnn_small", "--json").stdout)["task"] == "digits"
    run("export", "teacher", "digits-cnn_small", "--out", tmp_path / "lesson.npz")
    assert (tmp_path / "lesson.npz").is_file()
    words = ["search", "--teacher", "digits-cnn_small", "--trials", "1", "--threads", "1", "--json"]
    assert json.loads(run(*words).stdout)["trials"] == 1
    words = ["correlate", "--teacher", "nobody", "--truth", "none.jsonl", "--out", tmp_path]
    assert "no teacher in 'nobody', and none has this name" in refused(*words)


def test_spaces_are_listed_described_and_checked(tmp_path: Path) -> None:
    listed = json.loads(run("spaces", "--json").stdout)["spaces"]
    assert {"cnn_small", "nasbench201"} <= {space["name"] for space in listed}
    found = json.loads(run("spaces", "cnn_small", "--architectures", "2", "--json").stdout)
    assert "conv5" in found["parameters"]["stage1_op"]
    assert set(found["checks"].values()) == {None}
    path = tmp_path / "mine.py"
    path.write_text(
        "from optuna.distributions import IntDistribution\nfrom torch import nn\n"
        "from gtn_nas.space import SearchSpace\n\n\nclass Mine(SearchSpace):\n    name = 'mine'\n"
        "    parameters = {'width': IntDistribution(1, 4)}\n\n"
        "    def build(self, architecture, task):\n        return nn.Flatten()\n",
        encoding="utf-8",
    )
    done = run("spaces", f"{path}:Mine", code=2)
    assert "fails networks give one logit for each class" in done.stdout
    assert "error: space 'mine' is not fit: that networks give one logit for each class fails" in done.stderr
