"""What a digit's style is measured by: the attributes of Morpho-MNIST (Castro et al. 2019, section 2.2).

An image is enlarged four times and called ink where it is brighter than half of its brightest pixel. All is measured of that
ink; Morpho-MNIST takes slant, width and height of the grey image instead, where they come out some tenths of a pixel larger.
"""

from typing import NamedTuple

import torch
from scipy.ndimage import distance_transform_edt
from skimage.morphology import skeletonize
from torch import Tensor
from torch.nn.functional import interpolate

NAMES = ("thickness", "slant", "width", "height")  # in pixels, degrees, pixels, pixels
SCALE = 4
OUTLIERS = 0.01  # share of the ink that the parallelogram leaves out at each of its sides


class Frame(NamedTuple):
    """The parallelograms around digits, in pixels: shear [N], to the right for each up; the others [N, 2], right and down."""

    shear: Tensor
    size: Tensor
    centre: Tensor


def ink(x: Tensor) -> Tensor:
    """Where images [N, C, H, W] in [-1, 1] have ink: bool [N, 4 H, 4 W]."""
    grey = interpolate(x.mean(1, keepdim=True) + 1, scale_factor=SCALE, mode="bicubic").squeeze(1)
    return grey > grey.amax((1, 2), keepdim=True).clamp(min=0.02) / 2


def frame(inked: Tensor) -> Frame:
    """The parallelogram around ink [N, 4 H, 4 W] that leans as the ink does, by its moments; around nothing, one of size 0."""
    n, h, w = inked.shape
    mass = inked.float()
    mass = mass / mass.sum((1, 2), keepdim=True).clamp(min=1)
    columns, rows = mass.sum(1), mass.sum(2)
    right, down = torch.arange(w) + 0.5, torch.arange(h) + 0.5
    centre = torch.stack([columns @ right, rows @ down], 1)
    down = down - centre[:, 1:]
    leans = mass @ right - centre[:, :1] * rows  # each row's ink times how far right it is
    shear = -(leans * down).sum(1) / (rows * down**2).sum(1).clamp(min=1e-6)
    upright = (right.expand(n, h, w) + (shear[:, None] * down)[:, :, None]).floor().long().add_(w).clamp_(0, 3 * w - 1)
    leaning = mass.new_zeros(n, 3 * w).scatter_add_(1, upright.flatten(1), mass.flatten(1))
    spans = [_span(leaning), _span(rows)]
    size, middle = (torch.stack(part, 1) for part in zip(*spans, strict=True))
    middle[:, 0] -= w + shear * (middle[:, 1] - centre[:, 1])
    return Frame(shear, size / SCALE, middle / SCALE)


def _span(share: Tensor) -> tuple[Tensor, Tensor]:
    """Of shares [N, P] that sum to 1, how many lie between the outliers, and their middle: [N] each."""
    so_far = share.cumsum(1)
    low, high = ((so_far < part).sum(1).float() for part in (OUTLIERS, 1 - OUTLIERS))
    return high - low, (low + high) / 2 + 0.5


def thickness(inked: Tensor) -> Tensor:
    """Twice the mean distance from the skeleton of ink [N, 4 H, 4 W] to its edge: pixels [N], 0 where there is none."""
    means = []
    for one in inked.numpy():
        spine = skeletonize(one)  # type: ignore[no-untyped-call]
        means.append(2 * distance_transform_edt(one)[spine].mean() / SCALE if spine.any() else 0.0)
    return torch.tensor(means, dtype=torch.float32)


def measure(x: Tensor) -> Tensor:
    """The attributes in the order and units of :data:`NAMES`, slant to the right being positive: [N, C, H, W] -> [N, 4]."""
    parts = []
    for some in x.split(500):
        inked = ink(some)
        box = frame(inked)
        parts.append(torch.cat([thickness(inked)[:, None], box.shear.atan().rad2deg()[:, None], box.size], 1))
    return torch.cat(parts)
