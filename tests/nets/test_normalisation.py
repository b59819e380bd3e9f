"""Normalisation equals PyTorch's to the second derivative."""

import pytest
import torch

from gtn_nas.nets.normalisation import normalise, normalise_natively


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(("shape", "groups"), [((5, 8, 4, 3), None), ((5, 8, 4, 3), 2), ((5, 8, 4, 3), 8)])
def test_maps(shape, groups, affine, layout):
    check(torch.randn(shape, dtype=torch.float64).contiguous(memory_format=layout), groups, affine)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("groups", [None, 2])
def test_vectors(groups, affine):
    check(torch.randn(6, 8, dtype=torch.float64), groups, affine)


def check(x, groups, affine):
    torch.manual_seed(0)
    x = (2 * x + 1).requires_grad_()
    scales = [torch.randn(8, dtype=torch.float64).requires_grad_() for _ in range(2)] if affine else [None, None]
    inputs = [x, *(part for part in scales if part is not None)]
    weights = torch.randn(x.shape, dtype=torch.float64)
    along = [torch.randn(part.shape, dtype=torch.float64) for part in inputs]
    found = []
    for kernel in (normalise, normalise_natively):
        y = kernel(x, *scales, 1e-5, groups)
        first = torch.autograd.grad((y.tanh() * weights).sum(), inputs, create_graph=True)
        total = torch.stack([(part * way).sum() for part, way in zip(first, along, strict=True)]).sum()
        plain = torch.autograd.grad((kernel(x, *scales, 1e-5, groups).tanh() * weights).sum(), inputs)
        found.append([y, *first, *torch.autograd.grad(total, inputs), *plain])
    for mine, reference in zip(*found, strict=True):
        torch.testing.assert_close(mine, reference, atol=1e-12, rtol=1e-12)


def test_single_precision_far_from_zero():
    """The statistics of a large mean must not drown the second derivative in rounding."""
    torch.manual_seed(0)
    x = torch.randn(16, 4, 5, 5) + 30
    along = torch.randn(x.shape)
    found = []
    for part in (x, x.double()):
        part = part.requires_grad_()
        (first,) = torch.autograd.grad(normalise(part, None, None, 1e-5, None).pow(3).sum(), part, create_graph=True)
        found.append(torch.autograd.grad((first * along.to(part.dtype)).sum(), part)[0].double())
    assert float((found[0] - found[1]).norm() / found[1].norm()) < 1e-3
