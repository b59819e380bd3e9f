"""Studies that hold short lessons' rankings against real training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from gtn_nas.errors import UserError
from gtn_nas.proxy import Gtn
from gtn_nas.proxy.real_lesson import RealSteps
from gtn_nas.space import Architecture, load_space
from gtn_nas.study import Claim, Measured, Row, judge
from gtn_nas.study.ranking import TRUTH, Ranking
from gtn_nas.study.workshop import Workshop
from gtn_nas.task import Task
from gtn_nas.teacher.frozen import load_teacher
from gtn_nas.teacher.store import find_teacher

PLAIN = {
    "data": "digits",
    "seeds": 1,
    "space": "cnn_small",
    "architectures": 8,
    "real_steps": {"short": 2},
    "recipe": {"epochs": 1},
    "teachers": {"one": {"space": "cnn_small", "teacher": {"steps": 4}}},
}


def test_real_training_comes_first_and_knows_no_lesson() -> None:
    runs = Ranking.model_validate(PLAIN).runs()
    assert [run.variant for run in runs] == [TRUTH, "size/params", "size/flops", "real data/short", "teacher/one"]
    longer = Ranking.model_validate({**PLAIN, "real_steps": {"short": 3}}).runs()
    changed = [run.variant for run, other in zip(runs, longer, strict=True) if run.key != other.key]
    assert changed == ["real data/short"]


def test_the_text_has_every_lead_of_a_teacher_with_its_interval(row: Callable[..., Row]) -> None:
    accuracies = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    measured = Measured(
        [
            row(TRUTH, 0, samples={"accuracy": accuracies}),
            row("size/params", 0, samples={"score": accuracies[::-1]}),
            row("teacher/one", 0, samples={"score": accuracies}),
        ],
        {},
    )
    said = Ranking.model_validate(PLAIN).words(measured)
    assert said[0].startswith("size/params ranks 8 architectures with Spearman -1.00")
    assert said[1].startswith("teacher/one ranks 8 architectures with Spearman 1.00")
    assert said[2].startswith("teacher/one less size/params: 2.00")
    assert len(said) == 3


def test_loss_and_flops_are_ranked_beside_accuracy(row: Callable[..., Row]) -> None:
    accuracies = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    upside_down = accuracies[::-1]
    measured = Measured(
        [
            row(TRUTH, 0, samples={"accuracy": accuracies}),
            row("size/flops", 0, samples={"score": upside_down}),
            row("real data/short", 0, samples={"score": accuracies, "score.loss": upside_down}),
            row("teacher/one", 0, samples={"score": accuracies, "score.loss": accuracies}),
        ],
        {},
    )
    said = Ranking.model_validate(PLAIN).words(measured)
    assert said[-2].startswith("teacher/one by loss ranks 8 architectures with Spearman 1.00")
    assert said[-1].startswith("teacher/one by loss less size/flops: 2.00")
    assert "; less real data/short: 2.00" in said[-1]


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ("teacher/one:spearman", "size/params:spearman", "holds"),
        ("size/params:spearman", "teacher/one:spearman", "fails"),
        ("teacher/one:spearman.loss", "size/params:spearman", "undecided"),
        ("teacher/one:spearman", 0.9, "holds"),
        ("teacher/one:spearman_top", 0.2, "holds"),
        ("teacher/one:spearman_top", "size/params:spearman_top", "undecided"),  # of other architectures each
    ],
)
def test_claims_are_judged_by_intervals_over_architectures(
    row: Callable[..., Row], first: str, second: str | float, outcome: str
) -> None:
    truth = [i / 24 for i in range(24)]
    noisy = [(7 * i) % 24 + i / 4 for i in range(24)]
    other = [(5 * i) % 24 + i / 4 for i in range(24)]
    near = [x + (0.06 if i % 5 == 0 else 0.0) for i, x in enumerate(truth)]
    teacher = {"score": near, "score.loss": noisy}
    rows = [
        row(TRUTH, 0, samples={"accuracy": truth}),
        row("size/params", 0, figures={"spearman": 0.4, "spearman_top": 0.3}, samples={"score": other}),
        row("teacher/one", 0, figures={"spearman": 1, "spearman.loss": 0.4, "spearman_top": 1}, samples=teacher),
    ]
    claim = Claim.model_validate({"says": "so", "first": first, "relation": "above", "second": second})
    measured = Measured(rows, {})
    verdict = judge(claim, measured, Ranking.model_validate(PLAIN).interval(claim, measured))
    assert verdict.outcome == outcome


def test_too_few_architectures_are_refused() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 8"):
        Ranking.model_validate({**PLAIN, "architectures": 7})


def test_scores_and_trainings_go_on_where_they_were_stopped(digits: Task, tmp_path: Path) -> None:
    plan = Ranking.model_validate({**PLAIN, "train_limit": 64})
    workshop = Workshop(digits, tmp_path)
    run = next(run for run in plan.runs() if run.variant == "real data/short")
    first = plan.execute(run, workshop)
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert plan.execute(run, workshop) == first
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == kept
    assert set(first.samples) == {"failed", "score", "score.loss", "score.loss+flops"}
    assert set(first.figures) == {f"spearman{top}{by}" for top in ("", "_top") for by in ("", ".loss", ".loss+flops")}
    best = [accuracy for _, accuracy in first.series["best"]]
    assert best == sorted(best)
    assert len(best) == 8


def test_a_teacher_of_one_space_can_be_tried_on_another(digits: Task) -> None:
    teacher = load_teacher(find_teacher(digits, load_space("cnn_small"), {}).folder)
    other = load_space("nasbench201_reduced")
    with pytest.raises(UserError, match="was trained across space 'cnn_small'"):
        Gtn(other, digits, teacher)
    proxy = Gtn(other, digits, teacher.for_any_space())
    assert 0 <= proxy.score(other.sample_many(1, 0)[0], 0).value <= 1


def test_a_smaller_study_in_the_same_folder_reads_its_own_architectures(digits: Task, tmp_path: Path) -> None:
    workshop, sizes = Workshop(digits, tmp_path), {}
    for count in (10, 8):
        plan = Ranking.model_validate({**PLAIN, "train_limit": 64, "architectures": count})
        for run in plan.runs()[:2]:
            sizes[run.variant, count] = len(next(iter(plan.execute(run, workshop).samples.values())))
    assert sizes == {(name, count): count for name in (TRUTH, "size/params") for count in (10, 8)}


def test_what_cannot_score_anything_is_a_reason_and_what_fails_in_part_is_counted(
    digits: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, workshop = Ranking.model_validate({**PLAIN, "train_limit": 64}), Workshop(digits, tmp_path)
    plan.execute(plan.runs()[0], workshop)
    real_steps = next(run for run in plan.runs() if run.variant == "real data/short")
    measure = RealSteps.measure
    monkeypatch.setattr(RealSteps, "measure", lambda *_: 1 / 0)
    with pytest.raises(UserError, match=r"real data/short could score no architecture .*ZeroDivisionError"):
        plan.execute(real_steps, workshop)
    (tmp_path / "scores.jsonl").unlink()

    def short_of_memory(self: RealSteps, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        if architecture["stage1_depth"] == 1:
            raise torch.OutOfMemoryError
        return measure(self, architecture, seed)

    monkeypatch.setattr(RealSteps, "measure", short_of_memory)
    hard = sum(one["stage1_depth"] == 1 for one in load_space("cnn_small").sample_many(8, 0))
    assert plan.execute(real_steps, workshop).samples["failed"] == [hard]
    assert 0 < hard < 8
    monkeypatch.setattr(RealSteps, "measure", measure)
    assert plan.execute(real_steps, workshop).samples["failed"] == [0]  # memory is tried again
