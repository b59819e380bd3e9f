"""The verbs, as a user runs them."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from warnings import catch_warnings

import numpy as np
import pytest

from gtn_nas import __version__
from gtn_nas.cli.app import GROUPS, VERBS, main
from gtn_nas.correlation import RIVALS
from gtn_nas.extras import EXTRAS
from gtn_nas.proxy import Proxy, Score
from gtn_nas.search import load_study, score_over_seeds
from gtn_nas.space import Architecture
from search_spaces.cnn_small import CnnSmall

CLOSED = "http://127.0.0.1:9"  # nothing listens there: a network that refuses
TINY = ["--set", "teacher.steps=4", "--set", "teacher.batch_size=10", "--set", "teacher.warm_start=2"]
TINY += ["--set", "meta.exam_every=2", "--set", "meta.real_batch=32", "--threads", "1"]


@dataclass(frozen=True)
class Done:
    """What a verb printed."""

    stdout: str
    stderr: str


def run(*words: str | Path, code: int = 0) -> Done:
    """Run a verb in this process: a new one takes seconds to import everything."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err), catch_warnings():
        patch.setattr(sys, "argv", ["gtn-nas", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
    assert (stopped.value.code or 0) == code, err.getvalue()
    return Done(out.getvalue(), err.getvalue())


def refused(*words: str | Path) -> str:
    """Run a verb that must be refused, and return its one sentence."""
    done = run(*words, code=2)
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a teacher and a truth table, made by the verbs themselves."""
    folder = tmp_path_factory.mktemp("workshop")
    made = run("train-teacher", "--out", folder / "teacher", "--iterations", "3", *TINY, "--json")
    assert json.loads(made.stdout)["outer_steps"] == 3
    table = ["truth", "--out", folder / "truth.jsonl", "--architectures", "5", "--seeds", "2", "--threads", "1"]
    made = run(*table, "--set", "recipe.epochs=1", "--json")
    assert json.loads(made.stdout)["n"] == 5
    return folder


def test_search_verifies_and_goes_on(workshop: Path, tmp_path: Path) -> None:
    words = ["search", "--teacher", workshop / "teacher", "--storage", f"sqlite:///{tmp_path / 'nas.db'}"]
    words += ["--verify", "2", "--set", "recipe.epochs=1", "--threads", "1", "--json"]
    first = json.loads(run(*words, "--trials", "4").stdout)
    assert first["trials"] == 4
    assert len(first["verified"]) == 2
    assert first["winner"] == first["verified"][0]
    by_score = sorted(first["verified"], key=lambda row: (-row["value"], row["params"]))
    lost = first["winner"]["validation_accuracy"] - by_score[0]["validation_accuracy"]
    assert first["regret"] == pytest.approx(lost)
    again = json.loads(run(*words, "--trials", "5").stdout)
    assert again["trials"] == 5


def test_search_by_calibrated_scores(tmp_path: Path) -> None:
    table, cheap = tmp_path / "truth.jsonl", ["--train-limit", "128", "--threads", "1", "--set", "recipe.epochs=1"]
    run("truth", "--out", table, "--architectures", "8", "--seeds", "1", *cheap)
    words = ["search", "--proxy", "synflow", "--trials", "6", *cheap]
    found = json.loads(run(*words, "--calibrate", table, "--json").stdout)
    assert 0 < found["best"]["value"] < 1  # synflow itself is far above
    rounds = [*words, "--verify", "10", "--calibrate-every", "8", "--trials", "20"]
    found = json.loads(run(*rounds, "--json").stdout)
    assert len(found["verified"]) == 10
    assert 0 < found["best"]["value"] < 1
    assert "needs as many real trainings, but --verify is 0" in refused(*words, "--calibrate-every", "8")
    assert "must be a positive time" in refused(*words, "--time-budget", "soon")
    assert "leave --race out" in refused(*rounds, "--race", "4")


def test_a_calibrated_search_goes_on_where_scores_are_not_the_same_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other threads give a lesson's score other last bits: a study keeps those that it was calibrated by."""
    table, cheap = tmp_path / "truth.jsonl", ["--train-limit", "128", "--threads", "1", "--set", "recipe.epochs=1"]
    run("truth", "--out", table, "--architectures", "8", "--seeds", "1", *cheap)
    words = ["search", "--proxy", "synflow", "--calibrate", table, "--storage", f"sqlite:///{tmp_path / 'nas.db'}"]
    first = json.loads(run(*words, *cheap, "--trials", "2", "--json").stdout)
    asked = []

    def score_anew(proxy: Proxy, architecture: Architecture, seeds: int) -> list[Score]:
        asked.append(architecture)
        return score_over_seeds(proxy, CnnSmall().sample_many(1, len(asked))[0], seeds)

    monkeypatch.setattr("gtn_nas.correlation.scoring.score_over_seeds", score_anew)
    again = json.loads(run(*words, *cheap, "--trials", "2", "--json").stdout)
    assert (again["trials"], again["best"], asked) == (2, first["best"], [])
    run(*words, *cheap, "--trials", "2", "--study", "another", "--json")
    assert asked == []
    run(*words, *cheap, "--trials", "2", "--study", "third", "--seeds", "2", "--json")
    assert len(asked) == 8


def test_search_races_its_leaders() -> None:
    words = ["search", "--trials", "6", "--race", "3", "--threads", "1"]
    found = json.loads(run(*words, "--json").stdout)
    assert found["best"]["race"]["initialisations"] == 8
    shown = run(*words).stdout
    assert "mean of" in shown
    assert "best of 6 candidates" in shown
    assert "on which flops does not depend; leave --race out" in refused(*words, "--proxy", "flops")


def test_search_weighs_objectives_and_heeds_limits(tmp_path: Path) -> None:
    words = ["search", "--proxy", "synflow", "--sampler", "nsgaii", "--objective", "accuracy", "--objective", "flops"]
    words += ["--max-params", "60000", "--trials", "12", "--threads", "1"]
    found = json.loads(run(*words, "--storage", f"sqlite:///{tmp_path / 'nas.db'}", "--json").stdout)
    assert found["trials"] == 12
    assert len(found["best"]["values"]) == 2
    shown = run(*words).stdout
    assert "accuracy" in shown
    assert "flops" in shown


def test_search_refuses_what_cannot_be() -> None:
    assert "sampler 'grid' tries every architecture" in refused("search", "--sampler", "grid")
    assert "unknown objective 'size'" in refused("search", "--objective", "size")
    assert "unknown proxy 'sinflow'" in refused("search", "--proxy", "sinflow")
    assert "proxy params has no reading 'size'" in refused("search", "--proxy", "flops+params.size")


def test_search_by_a_sum_of_ranks() -> None:
    found = json.loads(run("search", "--proxy", "params+flops", "--trials", "5", "--threads", "1", "--json").stdout)
    assert found["trials"] == 5
    assert -4 < found["best"]["value"] < 4


def test_search_prints_a_table_for_people(workshop: Path) -> None:
    done = run("search", "--teacher", workshop / "teacher", "--trials", "3", "--threads", "1")
    assert "best of 3 candidates" in done.stdout
    assert "winner:" in done.stdout
    words = ["--trials", "1", "--verify", "1", "--set", "recipe.epochs=1", "--threads", "1"]
    done = run("search", "--proxy", "params", *words)
    assert "best of 1 candidate, trained" in done.stdout
    assert "The real trainings took 1 epoch." in done.stdout


def test_correlate_writes_json_and_report(workshop: Path, tmp_path: Path) -> None:
    words = ["correlate", "--teacher", workshop / "teacher", "--truth", workshop / "truth.jsonl", "--out", tmp_path]
    printed = json.loads(run(*words, "--threads", "1", "--json").stdout)
    content = json.loads((tmp_path / "correlation.json").read_text())
    assert printed == content
    assert content["n"] == 5
    assert list(content["proxies"]) == list(RIVALS)
    for entry in content["proxies"].values():
        assert {"spearman", "ci95", "kendall", "seconds_per_architecture"} <= entry.keys()
    page = (tmp_path / "report.html").read_text()
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "data:image/png;base64," in page


def test_correlate_compares_what_is_named(workshop: Path, tmp_path: Path) -> None:
    words = ["correlate", "--teacher", workshop / "teacher", "--truth", workshop / "truth.jsonl", "--out", tmp_path]
    words += [
        "--proxy",
        "synflow+params",
        "--proxy",
        "gtn.loss",
        "--architectures",
        "4",
        "--seeds",
        "1",
        "--threads",
        "1",
    ]
    content = json.loads(run(*words, "--json").stdout)
    assert list(content["proxies"]) == ["synflow+params", "gtn.loss"]
    assert content["n"] == 4
    assert list(content["differences"]) == ["gtn.loss"]


def test_correlate_refuses_what_it_cannot_compare(workshop: Path, tmp_path: Path) -> None:
    words = ["correlate", "--teacher", workshop / "teacher", "--truth", workshop / "truth.jsonl", "--out", tmp_path]
    assert "unknown proxy 'gtm'; the proxies are gtn" in refused(*words, "--proxy", "gtm+params")
    assert "--truth-column is for published .csv tables" in refused(*words, "--truth-column", "cifar10_test")
    assert not (tmp_path / "correlation.json").exists()


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


def test_doctor() -> None:
    facts = json.loads(run("doctor", "--json").stdout)
    assert facts["search spaces"].split(", ").count("cnn_small") == 1
    assert facts["torch"]
    assert {f"extra {extra}" for extra in EXTRAS} <= facts.keys()


def test_an_interrupted_training_says_how_to_resume_and_does(tmp_path: Path) -> None:
    words = ["train-teacher", "--out", tmp_path / "t", *TINY]
    process = subprocess.Popen(
        [sys.executable, "-m", "gtn_nas", *map(str, words), "--iterations", "100000"],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "t" / "checkpoint.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.2)  # the first checkpoint comes with the first outer step
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in said
    steps = len(_curve(tmp_path / "t"))
    assert steps > 0
    refused(*words, "--iterations", str(steps + 2))
    made = run(*words, "--iterations", str(steps + 2), "--resume", "--json")
    assert json.loads(made.stdout)["outer_steps"] == steps + 2


def _curve(folder: Path) -> list[object]:
    from safetensors import safe_open

    with safe_open(folder / "checkpoint.safetensors", framework="pt") as file:
        curve: list[object] = json.loads(file.metadata()["run"])["curve"]
    return curve


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--data", "no_such_set"], "unknown data set 'no_such_set'"),
        (["--data", "none.npz"], "no file none.npz"),
        (["--space", "no_such_space"], "unknown search space 'no_such_space'"),
        (["--space", "none.py:Space"], "none.py"),
        (["--set", "teacher.steps=0"], "setting teacher.steps"),
        (["--set", "teacher.colour=red"], "setting teacher.colour"),
        (["--set", "steps"], "--set takes group.name=value"),
        (["--set", "teacher.inner=lion"], "unknown inner optimiser 'lion'"),
        (
            ["--set", "teacher.kind=real", "--set", "teacher.targets=learned"],
            "setting teacher: kind = real shows other",
        ),
        (["--learner", "alexnet"], "learner='alexnet' is outside the choices 'goodai', 'base'"),
        (["--learner", "goodai"], "learner goodai needs images of at least 10×10"),
        (["--learner", "base", "--space", "cnn_small"], "--learner and --space both say"),
        (["--truth", "none.jsonl"], "no truth table none.jsonl"),
        (["--config", "none.toml"], "cannot read settings file none.toml"),
        (["--time-budget", "soon"], "--time-budget must be a positive time"),
        (["--threads", "0"], "threads must be at least 1"),
        (["--device", "abacus"], "device 'abacus' is not available"),
        (["--resume"], "no checkpoint in"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, words: list[str], says: str) -> None:
    assert says in refused("train-teacher", "--out", tmp_path / "t", *words)
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["search", "--set", "meta.iterations=5"], "--set meta.iterations=5 has no effect here: it is for train-t"),
        (["search", "--teacher", "digits-cnn_small", "--set", "teacher.steps=64"], "but --teacher names one"),
        (["search", "--proxy", "params", "--set", "teacher.steps=64"], "but --proxy params takes none"),
        (["search", "--set", "nni.port=0"], "it is for --nni-service; leave it out"),
        (["truth", "--out", "t.jsonl", "--set", "teacher.steps=4"], "it is for train-teacher; leave it out"),
        (["train-teacher", "--set", "recipe.epochs=4"], "it is for real training, by truth, search and train-best"),
        (
            ["train-best", "s", "--storage", "sqlite:///none.db", "--out", "m", "--set", "meta.seed=1"],
            "it is for train-teacher; leave it out",
        ),
    ],
)
def test_a_setting_without_effect_is_refused(words: list[str], says: str) -> None:
    assert says in refused(*words)


def test_a_file_of_settings_may_serve_several_verbs(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("[meta]\nseed = 1\n[recipe]\nepochs = 1\n")
    words = ["search", "--proxy", "params", "--trials", "1", "--threads", "1", "--json"]
    assert json.loads(run(*words, "--config", tmp_path / "s.toml").stdout)["trials"] == 1


def test_bad_data_is_one_sentence(tmp_path: Path) -> None:
    images, labels = np.zeros((20, 8, 8), np.uint8), np.arange(20) % 4
    np.savez(tmp_path / "gap.npz", x=images, y=labels * 2)
    np.savez(tmp_path / "text.npz", x=images.astype(str), y=labels)
    for name, says in (("gap.npz", "class 1 is empty"), ("text.npz", "must be numbers")):
        assert says in refused("truth", "--data", tmp_path / name, "--out", tmp_path / "truth.jsonl")


def test_missing_downloads_say_what_to_place_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"GTN_NAS_DATA": tmp_path, "https_proxy": CLOSED, "http_proxy": CLOSED}.items():
        monkeypatch.setenv(name, str(value))
    said = refused("truth", "--data", "mnist", "--out", tmp_path / "truth.jsonl")
    assert "MNIST/raw" in said
    assert "GTN_NAS_DATA" in said


def test_a_teacher_of_another_task_is_refused(workshop: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "other.npz", x=rng.integers(0, 255, (900, 12, 12), np.uint8), y=np.arange(900) % 10)
    said = refused("search", "--teacher", workshop / "teacher", "--data", tmp_path / "other.npz")
    assert "cannot use" in refused("truth", "--out", tmp_path)
    assert "image shape is [1, 8, 8], the task's is [1, 12, 12]" in said
    assert "no teacher in" in refused("show", tmp_path)


def test_demo_runs_the_whole_path(tmp_path: Path) -> None:
    small = ["demo.candidates=4", "demo.verify=2", "demo.architectures=5", "demo.truth_seeds=2", "recipe.epochs=1"]
    small += ["meta.iterations=3", "teacher.steps=4", "teacher.warm_start=2", "teacher.batch_size=10"]
    options = [part for setting in small for part in ("--set", setting)]
    done = run("demo", "--out", tmp_path / "demo", *options, "--json")
    made = json.loads(done.stdout)
    assert made["correlation"]["n"] == 5
    assert 0 <= made["winner"]["test_accuracy"] <= 1
    expected = {"teacher", "study.db", "truth.jsonl", "correlation.json", "report.html", "truth.log"}
    assert _left_in(tmp_path / "demo") == expected
    assert "already holds a demo" in refused("demo", "--out", tmp_path / "demo")
    assert _left_in(tmp_path / "demo") == expected
    assert "setting demo.candidates" in refused("demo", "--out", tmp_path / "x", "--set", "demo.candidates=0")
    assert "setting demo.verify" in refused("demo", "--out", tmp_path / "x", "--set", "demo.verify=many")


def _left_in(folder: Path) -> set[str]:
    """SQLite's log lies beside the study until the process that opened it, here the tests', has ended."""
    return {path.name for path in folder.iterdir() if not path.name.startswith("study.db-")}


def test_the_store_serves_a_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTN_NAS_TEACHERS", str(tmp_path / "store"))
    space = "cnn_small[norm=batch]"  # no teacher is shipped for it
    said = refused("search", "--space", space)
    assert "train one: gtn-nas train-teacher --data digits --space 'cnn_small[norm=batch]'" in said
    words = ["train-teacher", "--space", space, "--iterations", "2", *TINY, "--log", tmp_path / "log"]
    done = run(*words)
    assert f"next: gtn-nas search --space '{space}' --data digits --storage" in done.stderr
    assert "16 fresh learners (16 architectures) reach" in done.stderr
    assert list((tmp_path / "log").glob("events*"))
    listed = json.loads(run("teachers", "--json").stdout)["teachers"]
    (mine,) = [teacher for teacher in listed if teacher["origin"] == "own"]
    assert (mine["task"], mine["space"], mine["lesson"]) == ("digits", space, "4 × 10")
    assert "4 × 10" in run("teachers").stdout
    searched = run("search", "--space", space, "--trials", "2", "--set", "teacher.steps=4", "--threads", "1", "--json")
    assert json.loads(searched.stdout)["trials"] == 2
    refused("search", "--space", space, "--set", "teacher.steps=5")


def test_a_teacher_for_one_published_learner_and_its_export(tmp_path: Path) -> None:
    words = ["train-teacher", "--learner", "linear", "--out", tmp_path / "t", "--iterations", "2", *TINY, "--json"]
    card = json.loads(run(*words).stdout)
    assert card["space"] == "published[learner=linear]"
    assert (card["quality"]["architectures"], card["quality"]["learners"]) == (1, 16)
    run("export", "teacher", tmp_path / "t", "--out", tmp_path / "lesson.npz")
    assert np.load(tmp_path / "lesson.npz")["images"].shape == (4, 10, 1, 8, 8)
    run("export", "teacher", tmp_path / "t", "--out", tmp_path / "lesson.npz", code=2)
    searched = run("search", "--teacher", tmp_path / "t", "--trials", "1", "--threads", "1", "--json")
    assert json.loads(searched.stdout)["best"]["architecture"] == {"learner": "linear"}


def test_a_teacher_chosen_by_a_truth_table_is_judged_on_the_rest(workshop: Path, tmp_path: Path) -> None:
    table = ["--truth", workshop / "truth.jsonl"]
    words = ["train-teacher", "--out", tmp_path / "t", "--iterations", "2", *TINY, *table, "--json"]
    card = json.loads(run(*words, "--set", "meta.validation_architectures=3").stdout)
    assert len(card["chosen_on"]) == 3
    assert {"accuracy", "outer_steps", "spearman"} <= card["validation"][0].keys()
    judged = ["correlate", "--teacher", tmp_path / "t", *table, "--out", tmp_path / "r", "--threads", "1", "--json"]
    assert json.loads(run(*judged).stdout)["n"] == 2


def test_resume_and_force_are_refused_together(tmp_path: Path) -> None:
    said = refused("train-teacher", "--data", "digits", "--out", tmp_path, "--resume", "--force")
    assert "--resume goes on from what --force would remove" in said


@pytest.mark.parametrize("verb", [["train-teacher"], ["correlate"], ["study", "run"]])
def test_help_fills_the_lines_of_a_terminal(verb: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    described = run(*verb, "--help").stdout.partition("╭")[0]
    lines = [line.strip() for line in described.splitlines()]
    for line, following in pairwise(lines[lines.index("", 2) + 1 :]):
        assert not following or not line or len(line) + 1 + len(following.split()[0]) > 78


def test_the_version_is_said_at_once() -> None:
    done = subprocess.run([sys.executable, "-m", "gtn_nas", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"gtn-nas {__version__}"


def test_the_winner_is_trained_and_exported(tmp_path: Path) -> None:
    storage, cheap = f"sqlite:///{tmp_path / 'nas.db'}", ["--threads", "1", "--set", "recipe.epochs=1"]
    run("search", "--proxy", "params", "--trials", "4", "--train-limit", "128", "--storage", storage, *cheap)
    words = ["train-best", "cnn_small-digits", "--storage", storage, "--out", tmp_path / "model"]
    made = json.loads(run(*words, *cheap, "--json").stdout)
    assert 0 < made["result"]["test_accuracy"] < 1
    assert made["recipe"]["epochs"] == 1
    assert "logits differ" in run("export", "model", tmp_path / "model", "--out", tmp_path / "m.onnx").stderr
    size = (tmp_path / "m.onnx").stat().st_size
    assert size > 1000
    said = refused("export", "model", tmp_path / "model", "--format", "pt2", "--out", tmp_path / "m.onnx")
    assert "m.onnx already exists; remove it or give another --out" in said
    assert (tmp_path / "m.onnx").stat().st_size == size
    assert "already holds a model; use --force" in refused(*words)
    assert "holds no study 'nope'; its studies are cnn_small-digits" in refused(
        "train-best", "nope", "--storage", storage, "--out", tmp_path / "other"
    )
    assert "has no trial 9; its last is 3" in refused(*words, "--force", "--trial", "9")
    assert "a model is exported as onnx or pt2, not as npz" in refused(
        "export", "model", tmp_path / "model", "--format", "npz", "--out", tmp_path / "m.npz"
    )
    assert "a teacher is exported as npz, safetensors or folder, not as pt2" in refused(
        "export", "teacher", tmp_path / "model", "--format", "pt2", "--out", tmp_path / "m.npz"
    )


@pytest.mark.parametrize("words", [["train-best", "s", "--out", "model"], ["dashboard"]])
def test_reading_a_storage_makes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.setattr("gtn_nas.dashboard.show.can_show", lambda: True)
    monkeypatch.chdir(tmp_path)
    assert "no such database nope.db; give the --storage of a search" in refused(
        *words, "--storage", "sqlite:///nope.db"
    )
    assert list(tmp_path.iterdir()) == []


def test_the_list_of_verbs_needs_none_of_them(run_python: Callable[[str], str]) -> None:
    code = "import sys; from gtn_nas.cli.app import make_app; make_app(['--help']); print('scipy.stats' in sys.modules)"
    assert run_python(code) == "False"
    listed = run("--help").stdout
    for verb in [*VERBS, *GROUPS]:
        assert verb in listed
    assert "List the teachers in the store" in listed
    assert "Did you mean 'search'" in run("serch", code=2).stderr


def test_a_search_that_scored_nothing_says_so_and_ends_with_1(tmp_path: Path) -> None:
    space = tmp_path / "broken.py"
    space.write_text(
        "from search_spaces.cnn_small import CnnSmall\n\n\n"
        "class Broken(CnnSmall):\n    name = 'broken'\n\n"
        "    def build(self, architecture, task):\n        raise ValueError('no such layer')\n"
    )
    words = ["search", "--space", f"{space}:Broken", "--proxy", "synflow", "--trials", "2", "--threads", "1"]
    said = run(*words, code=1).stderr
    assert "2 of 2 candidates failed; first reason: ValueError: no such layer" in said
    assert "no candidate could be scored." in said
    assert json.loads(run(*words, "--json", code=1).stdout)["best"] is None


def test_real_steps_without_a_teacher_take_their_sizes_from_the_settings(tmp_path: Path) -> None:
    words = ["search", "--proxy", "real_steps", "--trials", "1", "--threads", "1", "--storage"]
    found = set()
    for steps in (2, 3):
        storage = f"sqlite:///{tmp_path / f'{steps}.db'}"
        run(*words, storage, "--set", f"teacher.steps={steps}", "--set", "teacher.batch_size=16", "--json")
        found.add(load_study(storage, "cnn_small-digits").user_attrs["proxy_fingerprint"])
    assert len(found) == 2
