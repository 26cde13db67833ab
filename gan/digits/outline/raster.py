"""From outlines to pixels."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan.digits.outline.contour import Floats, Outline


def rasterise(outlines: Sequence[Outline], height: int, width: int, scale: float = 1) -> Tensor:
    """Draw a picture of ``height`` x ``width`` pixels ``scale`` times as large: [scale * H, scale * W] in [-1, 1], ink +1.

    Each pixel is as bright as the share of it that ink covers, exactly but for the curves, which are cut into straight
    pieces shorter than a pixel.
    """
    rows, columns = round(height * scale), round(width * scale)
    cover = np.zeros((rows + 1) * (columns + 2))  # what each piece adds to its own pixel and to all on its right
    for outline in outlines:
        start, end = _pieces(outline.curves * scale, np.array([columns, rows]))
        middle, fall = (start + end) / 2, start[:, 1] - end[:, 1]
        column, row = middle.astype(int).T
        here = row * (columns + 2) + column
        inside = 1 - (middle[:, 0] - column)
        cover += np.bincount(here, fall * inside, cover.size) + np.bincount(here + 1, fall * (1 - inside), cover.size)
    share = np.abs(cover.reshape(rows + 1, -1).cumsum(1)[:rows, :columns]).clip(max=1)
    return torch.from_numpy(share * 2 - 1).float()


def _pieces(curves: Floats, bounds: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Starts and ends [N, 2] of straight pieces of ``curves``, moved to within ``bounds`` (x, y), each within one pixel."""
    count = int(3 * np.abs(np.diff(curves, axis=1)).max()) + 2
    t = np.linspace(0, 1, count)[:, None]
    weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
    points = np.clip(weights @ curves, 0, bounds)  # [S, count, 2]
    start, end = points[:, :-1].reshape(-1, 2), points[:, 1:].reshape(-1, 2)
    for axis in (0, 1):  # cut in two where a piece passes from one pixel to the next
        low, high = np.minimum(start, end)[:, axis], np.maximum(start, end)[:, axis]
        border = np.minimum(np.floor(low) + 1, high)
        length = end[:, axis] - start[:, axis]
        share = np.divide(border - start[:, axis], length, out=np.ones_like(length), where=length != 0)
        cut = start + share[:, None] * (end - start)
        start, end = np.concatenate([start, cut]), np.concatenate([cut, end])
    return start, end
