"""``cnn_small``: whatever it allows builds, learns and has the promised size."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from search_spaces.cnn_small import CnnSmall

SPACE = CnnSmall()
STAGES = (1, 2, 3)
TASKS = [
    ((1, 8, 8), 10),
    ((1, 28, 28), 10),
    ((3, 32, 32), 100),
    ((3, 64, 64), 10),
    ((1, 9, 13), 3),
    ((3, 8, 64), 2),
]


def every_option_in_turn(count, seed):
    """Architectures in which every value of every parameter occurs, in ever new company."""
    rng = np.random.default_rng(seed)
    columns = {name: sorted({a[name] for a in SPACE.sample_many(200, seed)}, key=str) for name in SPACE.parameters}
    rows = {name: [column[i % len(column)] for i in rng.permutation(count)] for name, column in columns.items()}
    return [SPACE.validate({name: row[i] for name, row in rows.items()}) for i in range(count)]


@pytest.mark.parametrize("image_shape_and_classes", TASKS, ids=lambda task: "x".join(map(str, task[0])))
def test_every_option_builds_and_has_finite_gradients(image_shape_and_classes, shape):
    task = shape(*image_shape_and_classes)
    torch.manual_seed(0)
    images = torch.randn(4, *task.image_shape)
    labels = torch.arange(4) % task.classes
    for architecture in every_option_in_turn(24, seed=task.image_shape[1]):
        network = SPACE.build(architecture, task)
        logits = network(images)
        assert logits.shape == (4, task.classes)
        assert logits.isfinite().all()
        F.cross_entropy(logits, labels).backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, (architecture, name)
            assert parameter.grad.isfinite().all(), (architecture, name)
        norms = [parameter.grad.norm() for parameter in network.parameters() if parameter.ndim > 1]
        assert min(norms) > 0, architecture


def test_there_are_as_many_architectures_as_the_class_says():
    assert SPACE.size >= 100_000
    assert f"{SPACE.size:,} architectures" in CnnSmall.__doc__


def extreme(operator, largest, **whole):
    """All stages alike: the deepest and widest, or the shallowest and narrowest."""
    architecture = {
        "downsample": "max",
        "activation": "relu",
        "residual": True,
        "head": "global_average",
    } | whole
    for stage in STAGES:
        width = SPACE.parameters[f"stage{stage}_width"]
        architecture[f"stage{stage}_op"] = operator
        architecture[f"stage{stage}_depth"] = 3 if largest else 1
        architecture[f"stage{stage}_width"] = width.high if largest else width.low
    return architecture


def test_sizes_lie_between_two_and_five_hundred_thousand_parameters(shape):
    task = shape((1, 28, 28), 10)

    def params(largest, **whole):
        operators = SPACE.parameters["stage1_op"].choices
        return [SPACE.cost(extreme(operator, largest, **whole), task).params for operator in operators]

    smallest = min(params(largest=False, norm="none", resolution="full"))
    greatest = max(params(largest=True, norm="batch", resolution="full", head="flatten"))
    assert 1_900 <= smallest < greatest <= 500_000
    sampled = [SPACE.cost(architecture, task).params for architecture in SPACE.sample_many(8, seed=0)]
    assert smallest <= min(sampled) <= max(sampled) <= greatest


def test_half_resolution_costs_less(shape):
    task = shape((1, 28, 28), 10)
    full, half = (
        SPACE.cost(extreme("conv3", largest=False, norm="batch", resolution=resolution), task)
        for resolution in ("full", "half")
    )
    assert half.flops < full.flops / 2


def test_the_same_seed_builds_the_same_network(shape):
    def built(seed):
        torch.manual_seed(seed)
        return torch.cat([p.flatten() for p in SPACE.build(architecture, shape()).parameters()])

    architecture = SPACE.sample(np.random.default_rng(0))
    assert torch.equal(built(1), built(1))
    assert not torch.equal(built(1), built(2))
