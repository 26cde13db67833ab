"""The Fréchet distance: closed forms, and torchmetrics'."""

import pytest
import torch
from torchmetrics.image.fid import _compute_fid

from gan.metric.frechet import frechet


def test_it_is_the_distance_of_two_gaussians() -> None:
    a = torch.randn(5000, 2, dtype=torch.float64)
    a = (a - a.mean(0)) @ torch.linalg.cholesky(a.T.cov().inverse())  # of covariance 1
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet(a, 3 * a + 2) == pytest.approx(2 * 2**2 + 2 * (3 - 1) ** 2)


def test_it_is_what_torchmetrics_computes() -> None:
    a, b = torch.randn(300, 8) @ torch.randn(8, 8), torch.randn(200, 8) @ torch.randn(8, 8) + 1
    parts = [part for x in (a.double(), b.double()) for part in (x.mean(0), x.T.cov())]
    assert frechet(a, b) == pytest.approx(_compute_fid(*parts).item(), rel=1e-6)
