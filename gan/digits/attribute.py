"""The attributes that measure style, from Morpho-MNIST (Castro et al. 2019, section 2.2).

Ink is what is brighter than half of the brightest pixel, at four times the size. Morpho-MNIST
measures slant, width and height on the grey image: some tenths of a pixel more.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

NAMES = ("thickness", "slant", "width", "height")  # in pixels, degrees, pixels, pixels
SCALE = 4
OUTLIERS = 0.01  # share of the ink that may lie beyond each side of the parallelogram


class Frame(NamedTuple):
    """Parallelograms around digits, in pixels."""

    shear: Tensor  # [N], to the right per pixel up
    size: Tensor  # [N, 2], width and height
    centre: Tensor  # [N, 2], right and down


def ink(x: Tensor) -> Tensor:
    """The ink of images [N, C, H, W] in [-1, 1]: bool [N, 4 H, 4 W]."""
    down, right = (_enlargement(side) for side in x.shape[2:])
    grey = down @ (x.mean(1) + 1) @ right.T
    return grey > grey.amax((1, 2), keepdim=True).clamp(min=0.02) / 2


def _enlargement(side: int) -> Tensor:
    """The matrix [4 P, P] of bicubic interpolation along a side of P pixels."""
    return interpolate(torch.eye(side)[None, None], scale_factor=(SCALE, 1), mode="bicubic")[0, 0]


def frame(inked: Tensor) -> Frame:
    """Parallelograms around ink [N, 4 H, 4 W], sheared by its moments; without ink, of size 0."""
    n, h, w = inked.shape
    right, down = torch.arange(w) + 0.5, torch.arange(h) + 0.5
    mass = inked.float()
    rows, moments = (mass @ torch.stack([torch.ones(w), right], 1)).unbind(2)  # of each row, [N, 4 H]
    total = rows.sum(1, keepdim=True).clamp(min=1)
    rows, moments = rows / total, moments / total
    centre = torch.stack([moments.sum(1), rows @ down], 1)
    down = down - centre[:, 1:]
    leans = moments - centre[:, :1] * rows  # about the centre
    shear = -(leans * down).sum(1) / (rows * down**2).sum(1).clamp(min=1e-6)
    shift = (shear[:, None] * down + 0.5).floor().long().clamp(-w, w)  # of each row, to stand upright
    upright = shift[:, :, None] + torch.arange(w, 2 * w)
    sheared = mass.new_zeros(n, 3 * w).scatter_add_(1, upright.flatten(1), mass.flatten(1)) / total
    size, middle = (torch.stack(part, 1) for part in zip(_span(sheared), _span(rows), strict=True))
    middle[:, 0] -= w + shear * (middle[:, 1] - centre[:, 1])
    return Frame(shear, size / SCALE, middle / SCALE)


def _span(share: Tensor) -> tuple[Tensor, Tensor]:
    """Length and middle [N] of the span between the outliers of shares [N, P] that sum to 1."""
    so_far = share.cumsum(1)
    low, high = ((so_far < part).sum(1).float() for part in (OUTLIERS, 1 - OUTLIERS))
    return high - low, (low + high) / 2 + 0.5


def thickness(inked: Tensor) -> Tensor:
    """Twice the mean distance from skeleton to edge of ink [N, 4 H, 4 W]: pixels [N]."""
    from scipy.ndimage import distance_transform_edt  # plain drawing must not wait for these two
    from skimage.morphology import skeletonize

    means = []
    for one in inked.numpy():
        spine = skeletonize(one)  # type: ignore[no-untyped-call]
        means.append(2 * distance_transform_edt(one)[spine].mean() / SCALE if spine.any() else 0.0)
    return torch.tensor(means, dtype=torch.float32)


def measure(x: Tensor) -> Tensor:
    """The attributes [N, 4] of images [N, C, H, W]; slant to the right is positive."""
    parts = []
    for some in x.split(500):
        inked = ink(some)
        box = frame(inked)
        parts.append(torch.cat([thickness(inked)[:, None], box.shear.atan().rad2deg()[:, None], box.size], 1))
    return torch.cat(parts)
