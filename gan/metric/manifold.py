"""Where images lie among each other: nearest neighbours, and how far two sets of features cover one another.

Sets are float [N, D], one row an image. Distances are Euclidean, taken in blocks of tens of MiB.
"""

import torch
from torch import Tensor

BLOCK = 2**23  # numbers


def nearest(x: Tensor, y: Tensor, k: int = 1) -> Tensor:
    """Distances [N, k], ascending, from each row of ``x`` [N, D] to the ``k`` nearest rows of ``y`` [M, D].

    |x - y|^2 = |x|^2 - 2 xy + |y|^2 is fast, but loses what is small beside the norms: it only chooses the neighbours,
    around the mean, and their distances are then taken from the differences, so that a copy is at 0.
    """
    y, x = y - (mean := y.mean(0)), x - mean
    norms, found = y.square().sum(1), []
    for part in x.split(max(1, BLOCK // len(y))):
        chosen = torch.addmm(norms, part, y.T, alpha=-2).topk(k, largest=False).indices  # |x|^2 changes no order
        found.append((part[:, None] - y[chosen]).norm(dim=2).sort(1).values)
    return torch.cat(found)


def radii(x: Tensor, k: int) -> Tensor:
    """Distance [N] from each row of ``x`` to its ``k``-th nearest other row. Raises ValueError unless 1 <= k < N."""
    if not 1 <= k < len(x):
        raise ValueError(f"k must be from 1 to {len(x) - 1}, one less than there are images, got {k}")
    return nearest(x, x, k + 1)[:, k]


def cover(real: Tensor, fake: Tensor, real_radii: Tensor, fake_radii: Tensor, k: int) -> dict[str, float]:
    """Precision and recall (Kynkäänniemi et al. 2019, section 2), density and coverage (Naeem et al. 2020, section 3).

    With B(x) the open ball around x that reaches to its ``k``-th nearest neighbour in its own set, of ``radii``:

    - precision: share of fakes in the ball of any real. Outliers among the reals make it too kind.
    - recall: share of reals in the ball of any fake.
    - density: 1 / (k N) times how many balls of reals each fake lies in, summed; 1 where fakes lie as reals do.
    - coverage: share of reals with a fake in their ball.

    All depend on k, on the numbers of images and on the features: compare only where these are the same.
    """
    balls, balls_hit, reals_hit = torch.zeros(len(fake)), torch.zeros(len(real)), torch.zeros(len(real))
    place = 0
    for part, reach in zip(real.split(rows := max(1, BLOCK // len(fake))), real_radii.split(rows), strict=True):
        distance = torch.cdist(part.double(), fake.double())  # [rows, N]; float64, for a ball may be small beside the norms
        inside = distance < reach[:, None]
        here = slice(place, place := place + len(part))
        balls += inside.sum(0)
        balls_hit[here] = inside.any(1).float()
        reals_hit[here] = (distance < fake_radii).any(1).float()
    return {
        "precision": (balls > 0).double().mean().item(),
        "recall": reals_hit.double().mean().item(),
        "density": balls.double().mean().item() / k,
        "coverage": balls_hit.double().mean().item(),
    }
