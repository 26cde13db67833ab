"""Nearest neighbours of images, and how two sets of features differ and cover one another.

Sets are float [N, D], one row for each image. Distances are Euclidean, computed in blocks.
"""

import torch
from torch import Tensor
from torchmetrics.image.kid import poly_mmd

from gan.validate import integer

BLOCK = 2**23  # distances held at a time


def nearest(x: Tensor, y: Tensor, k: int = 1) -> Tensor:
    """Distances [N, k], ascending, from each row of x [N, D] to its ``k`` nearest rows of y [M, D].

    |x - y|^2 = |x|^2 - 2 xy + |y|^2 is fast, but loses small distances of large vectors. It chooses
    the neighbours, around the mean; their distances come from the differences: a copy is at 0.
    """
    mean = y.mean(0)
    x, y = x - mean, y - mean
    norms, found = y.square().sum(1), []
    for part in x.split(max(1, BLOCK // len(y))):
        chosen = torch.addmm(norms, part, y.T, alpha=-2).topk(k, largest=False).indices  # |x|^2 changes no order
        found.append((part[:, None] - y[chosen]).norm(dim=2).sort(1).values)
    return torch.cat(found)


def radii(x: Tensor, k: int) -> Tensor:
    """Distance [N] from each row of ``x`` to its ``k``-th nearest other row, 1 <= k < N."""
    integer("k", k, 1, len(x) - 1)
    return nearest(x, x, k + 1)[:, k]


def cover(real: Tensor, fake: Tensor, real_radii: Tensor, fake_radii: Tensor, k: int) -> dict[str, float]:
    """Precision, recall (Kynkäänniemi et al. 2019, 2), density, coverage (Naeem et al. 2020, 3).

    The ball of an image reaches to its ``k``-th nearest neighbour in its own set (:func:`radii`).

    - precision: share of fakes in the ball of any real; too high if there are outliers among reals.
    - recall: share of reals in the ball of any fake.
    - density: mean number of reals' balls that a fake lies in, over k; 1 if fakes lie as reals do.
    - coverage: share of reals with a fake in their ball.

    All depend on k, the numbers of images and the features: compare only where these are the same.
    """
    balls, balls_hit, reals_hit = torch.zeros(len(fake)), [], []
    rows = max(1, BLOCK // len(fake))
    for part, reach in zip(real.split(rows), real_radii.split(rows), strict=True):
        distance = torch.cdist(part.double(), fake.double())  # float64: balls may be small beside the norms
        inside = distance < reach[:, None]  # [rows, N]
        balls += inside.sum(0)
        balls_hit.append(inside.any(1))
        reals_hit.append((distance < fake_radii).any(1))
    return {
        "precision": (balls > 0).double().mean().item(),
        "recall": torch.cat(reals_hit).double().mean().item(),
        "density": balls.double().mean().item() / k,
        "coverage": torch.cat(balls_hit).double().mean().item(),
    }


def kernel_distance(real: Tensor, fake: Tensor, subsets: int = 100, size: int = 1000) -> float:
    """Kernel distance (KID) between features (Binkowski et al. 2018, section 4).

    MMD^2 with the kernel (x y / D + 1)^3, the mean over random subsets of ``size`` images or, if
    there are fewer, of all. 0 at best; unbiased, so that it may be slightly negative.
    """
    source = torch.Generator().manual_seed(0)
    size = min(size, len(real), len(fake))
    found = []
    for _ in range(subsets):
        x, y = (part[torch.randperm(len(part), generator=source)[:size]] for part in (real, fake))
        found.append(poly_mmd(x, y))
    return torch.stack(found).mean().item()
