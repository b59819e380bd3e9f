"""``mixed`` gives the meta-gradient of the plain unroll, for every learner and every way to teach it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from gtn_nas.meta import MetaGradient
from gtn_nas.meta.inner import INNER_OPTIMISERS
from gtn_nas.meta.mixed import mixed
from gtn_nas.nets.mean_only import MeanOnlyBatchNorm
from gtn_nas.nets.published import PUBLISHED, build_published
from gtn_nas.nets.weight_norm import WeightNormConv2d, WeightNormLinear
from gtn_nas.teacher.lesson import Lesson
from search_spaces.cnn_small import CnnSmall
from tests.conftest import Shape

EXACT = 1e-9  # relative, in float64
BUDGETS = pytest.mark.parametrize("memory_budget", [0, 1 << 30], ids=["recomputed", "kept"])


def flat(found: MetaGradient) -> torch.Tensor:
    parts = [found.images, *found.hyper.values(), *([] if found.targets is None else [found.targets])]
    return torch.cat([part.reshape(-1) for part in parts])


def compare(case: object, memory_budget: int = 1 << 30, start: int = 0) -> None:
    reference = case.reference(start)
    torch.manual_seed(3)  # dropout draws from it, in the reference as well
    found = mixed(*case.arguments(), start=start, memory_budget=memory_budget)
    assert found.diverged_at is None
    assert found.loss == pytest.approx(reference.loss, rel=1e-10)
    assert found.accuracy == pytest.approx(reference.accuracy, rel=1e-12)
    error = (flat(found) - flat(reference)).norm() / flat(reference).norm()
    assert float(error) < EXACT
    for name in found.hyper:  # they are too small to show in the whole
        of_hyper = reference.hyper[name]  # zero where the network has no layer of that kind
        assert float((found.hyper[name] - of_hyper).norm()) <= EXACT * float(of_hyper.norm()), name


def options() -> list[dict[str, object]]:
    """Each choice of cnn_small once, on alternating budgets."""
    return [
        {name: choice}
        for name, distribution in CnnSmall.parameters.items()
        for choice in getattr(
            distribution, "choices", (distribution.low, distribution.high) if hasattr(distribution, "low") else ()
        )
        if "width" not in name
    ]


@pytest.mark.parametrize("number", range(len(options())), ids=[str(option) for option in options()])
def test_every_option_of_cnn_small(make_case: type, number: int) -> None:
    compare(make_case(steps=3, **options()[number]), memory_budget=(number % 2) << 30)


def conv(*layers: nn.Module, width: int = 6) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1), *layers, nn.SiLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(16 * width, 10)
    )


class _Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.7))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.scale


def _shared() -> nn.Module:
    layer, second = nn.BatchNorm2d(6), nn.Conv2d(6, 6, 3, padding=1)
    return nn.Sequential(nn.Conv2d(1, 6, 3), layer, nn.ReLU(), second, layer, nn.Flatten(), nn.Linear(216, 10))


class _Average(nn.Module):
    """Takes out a running mean that it keeps in a buffer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, 6, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            with torch.no_grad():
                self.mean = self.mean.lerp(x.mean((0, 2, 3), keepdim=True), 0.5)
        return x - self.mean


class _Unreached(nn.Module):
    """Batch norm that neither images nor parameters reach, as behind a cell's operator that is none."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.norm(torch.zeros_like(x))


class _Attention(nn.Module):
    """Fused attention between pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        mixed, _ = self.attention(tokens, tokens, tokens, need_weights=False)
        return mixed.transpose(1, 2).reshape_as(x)


def _frozen() -> nn.Module:
    network = conv(nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3, padding=1))
    network[0].requires_grad_(False)
    return network


NETWORKS = {
    "batch norm": lambda: conv(nn.BatchNorm2d(6)),
    "batch norm, not affine": lambda: conv(nn.BatchNorm2d(6, affine=False)),
    "group norm": lambda: conv(nn.GroupNorm(3, 6)),
    "instance norm": lambda: conv(nn.InstanceNorm2d(6, affine=True)),
    "layer norm": lambda: conv(nn.LayerNorm([6, 8, 8])),
    "mean-only batch norm": lambda: conv(MeanOnlyBatchNorm(6)),
    "weight norm, written out": lambda: nn.Sequential(
        WeightNormConv2d(1, 6, 3, 2), nn.ReLU(), nn.Flatten(), WeightNormLinear(96, 10)
    ),
    "weight norm of PyTorch": lambda: nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 6, 3, 2)), nn.ReLU(), nn.Flatten(), nn.Linear(54, 10)
    ),
    "dropout": lambda: conv(nn.Dropout(0.3)),
    "dropout and batch norm": lambda: conv(nn.BatchNorm2d(6), nn.Dropout2d(0.3)),
    "max-pooling": lambda: nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten(), nn.Linear(24, 10)
    ),
    "global average": lambda: nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)
    ),
    "depthwise": lambda: conv(nn.Conv2d(6, 6, 3, padding=1, groups=6)),
    "transposed convolution": lambda: nn.Sequential(
        nn.Conv2d(1, 4, 3, 2), nn.Tanh(), nn.ConvTranspose2d(4, 4, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10)
    ),
    "one batch norm in two places": lambda: _shared(),
    "batch norm of the images": lambda: nn.Sequential(
        nn.BatchNorm2d(1), nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, 10)
    ),
    "spectral norm": lambda: nn.Sequential(
        nn.utils.parametrizations.spectral_norm(nn.Conv2d(1, 6, 3, 2)), nn.SiLU(), nn.Flatten(), nn.Linear(54, 10)
    ),
    "a running average of its own": lambda: conv(_Average()),
    "attention": lambda: conv(_Attention()),
    "batch norm that nothing reaches": lambda: conv(_Unreached()),
    "a parameter without axes": lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 10), _Scale()),
    "a frozen layer": lambda: _frozen(),
    "perceptron": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(64, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Linear(20, 10)
    ),
}


@BUDGETS
@pytest.mark.parametrize("name", NETWORKS)
def test_every_kind_of_layer(make_case: type, name: str, memory_budget: int) -> None:
    compare(make_case.of(NETWORKS[name]), memory_budget)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_learners(make_case: type, name: str) -> None:
    def build() -> nn.Module:
        if name != "goodai":
            return build_published(name, Shape())
        return nn.Sequential(nn.Upsample(scale_factor=2), build_published(name, Shape((1, 16, 16))))  # 8×8 is too small

    case = make_case.of(build, steps=2, batch=4)
    case.exam = case.make_exam({1: 1.0}, "running")
    compare(case, memory_budget=0)


@pytest.mark.parametrize("statistics", ["synthetic", "real", "running", "batch"])
@pytest.mark.parametrize(
    "name",
    ["one batch norm in two places", "batch norm of the images", "batch norm that nothing reaches", "a frozen layer"],
)
def test_protocols_of_unusual_networks(make_case: type, name: str, statistics: str) -> None:
    case = make_case.of(NETWORKS[name])
    case.exam = case.make_exam({1: 0.25, 3: 0.75}, statistics)
    compare(case, memory_budget=0)


@BUDGETS
@pytest.mark.parametrize("statistics", ["synthetic", "real", "running", "batch"])
def test_every_protocol(make_case: type, statistics: str, memory_budget: int) -> None:
    case = make_case.of(lambda: conv(nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6)))
    case.exam = case.make_exam({1: 0.25, 3: 0.75}, statistics)
    compare(case, memory_budget)


@pytest.mark.parametrize("statistics", ["synthetic", "real", "running", "batch"])
def test_a_large_exam_is_taken_in_parts(make_case: type, monkeypatch: pytest.MonkeyPatch, statistics: str) -> None:
    monkeypatch.setattr("gtn_nas.meta.sweep._PIXELS", 7 * 64)  # 20 images: three parts, the last one smaller
    case = make_case.of(NETWORKS["batch norm"])
    case.exam = case.make_exam({1: 0.25, 3: 0.75}, statistics)
    compare(case)


@pytest.mark.parametrize("rule", INNER_OPTIMISERS)
@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
def test_every_rule_and_target_kind(make_case: type, rule: str, soft: bool) -> None:
    case = make_case.of(NETWORKS["batch norm"], rule, soft=soft)
    assert (mixed(*case.arguments()).targets is not None) == soft
    compare(case, memory_budget=0)


@BUDGETS
@pytest.mark.parametrize("statistics", ["synthetic", "running"])
@pytest.mark.parametrize("rule", ["adam", "muon", "nesterov"])
def test_truncated_windows(make_case: type, rule: str, statistics: str, memory_budget: int) -> None:
    case = make_case.of(NETWORKS["dropout and batch norm"], rule, steps=6)
    case.exam = case.make_exam({3: 0.5, 5: 0.5}, statistics)
    compare(case, memory_budget, start=2)
    found = mixed(*case.arguments(), start=2)
    assert not found.hyper["lr"][:2].any()
    assert found.hyper["lr"][2:].all()


@BUDGETS
@pytest.mark.parametrize("statistics", ["synthetic", "running"])
@pytest.mark.parametrize("rule", ["adam", "muon", "nesterov"])
def test_windows_one_after_the_other(make_case: type, rule: str, statistics: str, memory_budget: int) -> None:
    case = make_case.of(NETWORKS["dropout and batch norm"], rule, steps=6)
    case.exam = case.make_exam({1: 0.2, 3: 0.3, 5: 0.5}, statistics)
    whole = flat(mixed(*case.arguments()))
    case.exam = replace(case.exam, cuts=frozenset({2, 4}))
    compare(case, memory_budget)
    assert float((flat(mixed(*case.arguments())) - whole).norm() / whole.norm()) > 0.01


@pytest.mark.parametrize("weights", [{5: 1.0}, {1: 0.5, 3: 0.5}, dict.fromkeys(range(6), 1 / 6)])
def test_intermediate_meta_losses(make_case: type, weights: dict[int, float]) -> None:
    case = make_case.of(NETWORKS["group norm"], "adam", steps=6)
    case.exam = case.make_exam(weights)
    compare(case)


@BUDGETS
def test_single_precision(make_case: type, memory_budget: int) -> None:
    """Smooth and short: what is compared is rounding, not the chaos of a long unroll."""
    case = make_case.of(NETWORKS["batch norm"], "momentum", batch=32)
    reference = flat(case.reference())
    single = make_case.of(NETWORKS["batch norm"], "momentum", batch=32)
    learner = single.learner
    learner.network.float()
    hyper = {name: values.float() for name, values in single.lesson.hyper.items()}
    lesson = Lesson(single.lesson.images.float(), single.lesson.targets, hyper)
    exam = replace(single.exam, images=single.exam.images.float())
    found = mixed(learner, learner.initial.float(), lesson, single.rule, exam, memory_budget=memory_budget)
    assert float((flat(found).double() - reference).norm() / reference.norm()) < 1e-5


@pytest.mark.parametrize("rule", INNER_OPTIMISERS)
def test_directional_finite_difference(make_case: type, rule: str) -> None:
    """The gradient is the meta-loss's own slope, along images, schedule and soft targets at once."""
    case = make_case.of(NETWORKS["batch norm"], rule, soft=True)
    found = mixed(*case.arguments(), memory_budget=0)
    rng = torch.Generator().manual_seed(2)
    of_images = torch.randn(case.lesson.images.shape, dtype=torch.float64, generator=rng)
    of_targets = torch.randn(case.lesson.targets.shape, dtype=torch.float64, generator=rng)
    step = 1e-8 if rule in ("adam", "muon", "muon_by_layer") else 1e-6  # they bend sharply at small gradients

    def loss(sign: int) -> float:
        hyper = {name: values * (1 + sign * step) for name, values in case.lesson.hyper.items()}
        images, targets = case.lesson.images + sign * step * of_images, case.lesson.targets + sign * step * of_targets
        return mixed(case.learner, case.learner.initial, Lesson(images, targets, hyper), case.rule, case.exam).loss

    slope = float((found.images * of_images).sum()) + float((found.targets * of_targets).sum())
    slope += sum(float((found.hyper[name] * values).sum()) for name, values in case.lesson.hyper.items())
    assert slope == pytest.approx((loss(1) - loss(-1)) / (2 * step), rel=1e-5)
