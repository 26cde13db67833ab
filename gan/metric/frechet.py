"""The Fréchet distance of two sets of features."""

import torch
from torch import Tensor


def frechet(a: Tensor, b: Tensor) -> float:
    """The squared distance of Gaussians fitted to features [N, F] and [M, F].

    |mean_a - mean_b|^2 + tr(A + B - 2 (A B)^(1/2)), with covariances A and B (Heusel et al. 2017,
    section 6).
    """
    a, b = a.double(), b.double()
    first, second = a.T.cov(), b.T.cov()
    joint = torch.linalg.eigvals(first @ second).real.clamp(min=0).sqrt().sum()
    return float((a.mean(0) - b.mean(0)).square().sum() + first.trace() + second.trace() - 2 * joint)
