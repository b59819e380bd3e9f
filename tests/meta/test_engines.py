"""The engines give the same, true gradient."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from gtn_nas.meta import ENGINES, MetaGradient
from gtn_nas.meta.mixed import mixed
from gtn_nas.meta.steps import take_step
from gtn_nas.teacher.lesson import Lesson
from gtn_nas.teacher.protocol import Protocol


def flat(found: MetaGradient) -> Tensor:
    parts = [found.images, *found.hyper.values(), *([] if found.targets is None else [found.targets])]
    return torch.cat([part.reshape(-1) for part in parts])


def relative_error(found: Tensor, reference: Tensor) -> float:
    return float((found - reference).norm() / reference.norm())


def by_higher(case: object) -> MetaGradient:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # higher's own, on modern torch
        return ENGINES["higher"](*case.arguments())


@pytest.mark.parametrize("memory_budget", [0, 1 << 30], ids=["recomputed", "kept"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"norm": "group", "activation": "gelu", "downsample": "average", "head": "global_average"},
        {"norm": "none", "activation": "leaky_relu", "downsample": "stride", "residual": False},
        {"activation": "relu", "stage1_op": "conv5", "stage3_op": "separable3", "resolution": "half"},
    ],
    ids=["batch", "group", "none", "half"],
)
def test_mixed_equals_higher(make_case: type, changes: dict[str, object], memory_budget: int) -> None:
    case = make_case(**changes)
    reference = by_higher(case)
    found = mixed(*case.arguments(), memory_budget=memory_budget)
    assert found.loss == pytest.approx(reference.loss, rel=1e-12)
    assert found.accuracy == reference.accuracy
    assert relative_error(flat(found), flat(reference)) < 1e-9
    for name in case.lesson.hyper:
        assert relative_error(found.hyper[name], reference.hyper[name]) < 1e-9, name


def test_statistics_of_real_images(make_case: type) -> None:
    case = make_case()
    case.exam = case.make_exam({4: 1.0}, "real")
    assert relative_error(flat(mixed(*case.arguments())), flat(by_higher(case))) < 1e-9


def test_the_part_of_the_budget_that_fits_is_kept(make_case: type) -> None:
    case = make_case()
    some = mixed(*case.arguments(), memory_budget=3 << 20)
    assert relative_error(flat(some), flat(mixed(*case.arguments()))) < 1e-12


def test_a_diverging_learner_is_cut_and_counted(make_case: type) -> None:
    case = make_case(rule="momentum", norm="none")
    case.lesson.hyper["lr"][2:] = 1e200
    found = mixed(*case.arguments())
    assert found.diverged_at is not None
    assert 2 <= found.diverged_at < case.lesson.steps
    assert torch.isfinite(flat(found)).all()
    cut = found.diverged_at
    shorter = Lesson(
        case.lesson.images[:cut], case.lesson.targets[:cut], {k: v[:cut] for k, v in case.lesson.hyper.items()}
    )
    weights = {step: weight for step, weight in case.exam.weights.items() if step < cut}
    weights[cut - 1] = weights.get(cut - 1, 0.0) + sum(w for s, w in case.exam.weights.items() if s >= cut)
    exam = replace(case.exam, weights=weights)
    assert found.loss == pytest.approx(mixed(case.learner, case.learner.initial, shorter, case.rule, exam).loss)


def test_a_learner_that_diverges_before_the_window_is_examined_where_it_was_sound(make_case: type) -> None:
    case = make_case(rule="momentum", norm="none")
    case.lesson.hyper["lr"][1:] = 1e200
    case.exam = case.make_exam({4: 1.0})
    found = mixed(*case.arguments(), start=3)
    assert found.diverged_at in (0, 1)
    assert 0 < found.loss < 100
    assert not found.hyper["lr"].any()


def test_memory_budget_zero_keeps_no_graph(make_case: type) -> None:
    case = make_case(steps=4)
    held: list[int] = []

    class Watch(torch.autograd.graph.saved_tensors_hooks):
        def __init__(self) -> None:
            super().__init__(lambda saved: held.append(saved.nbytes) or saved, lambda saved: saved)

    with Watch():
        mixed(*case.arguments(), memory_budget=0)
    assert held  # the steps were computed under the watch, one at a time


def test_statistics_window() -> None:
    protocol = Protocol(batches=4)
    assert protocol.window(0) == slice(0, 1)
    assert protocol.window(9) == slice(6, 10)


@pytest.mark.parametrize("rate", [1e3, 1e9, 1e15])
def test_finite_parameters_with_a_hopeless_loss_are_not_sound(make_case: type, rate: float) -> None:
    case = make_case(rule="momentum", norm="none")
    case.lesson = Lesson(case.lesson.images, case.lesson.targets, {k: v.clone() for k, v in case.lesson.hyper.items()})
    case.lesson.hyper["lr"][2:] = rate
    found = mixed(*case.arguments())
    assert torch.isfinite(flat(found)).all()
    assert found.loss == found.loss  # not NaN


def test_a_diverged_learner_leaves_no_memory_behind(make_case: type) -> None:
    import gc
    import weakref

    case = make_case(rule="momentum", norm="none")
    case.lesson.hyper["lr"][2:] = 1e200
    seen: list[weakref.ref[torch.Tensor]] = []
    whole = case.learner.loss

    def watched(*arguments: Tensor) -> Tensor:
        loss = whole(*arguments)
        seen.append(weakref.ref(loss))
        return loss

    case.learner.loss = watched
    gc.disable()
    try:
        mixed(*case.arguments())
        assert seen
        assert not any(reference() is not None for reference in seen)
    finally:
        gc.enable()


@pytest.mark.parametrize("weights", [{}, {5: 1.0}, {0: 1.0}])
@pytest.mark.parametrize("engine", ENGINES)
def test_exams_outside_of_the_window_are_refused(make_case: type, engine: str, weights: dict[int, float]) -> None:
    case = make_case()
    case.exam = case.make_exam(weights)
    start = 0 if engine == "higher" or 5 in weights else 1
    if engine == "higher" and 0 in weights:
        return  # it has no windows
    with pytest.raises(ValueError, match="exams must follow inner steps"):
        ENGINES[engine](*case.arguments(), start=start)


@pytest.mark.parametrize("engine", ["mixed", "unrolled"])
def test_a_meta_gradient_that_overflows_on_the_way_back_is_counted(make_case: type, engine: str) -> None:
    """Forward everything is finite; backward every step multiplies by 1e60."""
    case = make_case.of(lambda: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10)), "sgd", steps=8)
    case.lesson = Lesson(case.lesson.images * 1e30, case.lesson.targets, {"lr": torch.full((8,), 1e-30).double()})
    case.exam = case.make_exam({7: 1.0})
    into = torch.zeros_like(case.lesson.images)
    found = ENGINES[engine](*case.arguments(), into=into)
    assert torch.isfinite(into).all()
    assert all(torch.isfinite(values).all() for values in found.hyper.values())


def test_bytes_of_kept_graphs_leave_out_what_is_there_anyway(make_case: type) -> None:
    case = make_case(steps=3)
    learner, lesson = case.learner, case.lesson
    block = torch.stack([learner.initial] * 50)  # as in a trajectory: a row of a far larger storage
    step, _ = take_step(learner, case.exam.protocol, lesson, 0, block[0], (), keep=True)
    assert 0 < step.kept_bytes < block.untyped_storage().nbytes()
