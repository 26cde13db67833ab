"""From pixels to outlines, and back."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from contourpy import contour_generator
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import splev, splprep
from torch import Tensor

Floats = NDArray[np.float64]
BLANK = 0.1  # share of full ink; a picture that is fainter everywhere is empty
SPECK = 1.5  # pixels of full ink; smaller pieces are dropped, unless there is nothing else
PINHOLE = 0.9  # square pixels; smaller holes are filled
FINE = 3  # the grid for contours is this many times finer than the pixels
MARGIN = 4  # pixels of paper added around the picture, so that ink at its border is closed there


@dataclass(frozen=True, eq=False)
class Outline:
    """One closed path without corners, around ink or, the other way round, around a hole in it."""

    curves: Floats  # [S, 4, 2]: cubic Bezier curves by start, two handles, end; an end is the next start


def trace(image: Tensor, *, tolerance: float = 0.1) -> list[Outline]:
    """The outlines, at half ink, of ``image`` [H, W] in [-1, 1]; ink is +1. None of a blank image.

    Holes run the other way round, so both fill rules agree. A path smooths the contour of a spline
    through the sharpened picture, with few knots (Dierckx 1982, "Algorithms for smoothing data with
    periodic and parametric splines"). ``tolerance`` is their root mean square distance in pixels:
    a lower one follows the steps of pixels, a higher one loses detail.
    """
    ink = np.pad((image.double().cpu().numpy() + 1) / 2, MARGIN).clip(0, 1)
    if ink.max() < BLANK:
        return []
    height = _height(ink / ink.max())
    contours = contour_generator(z=height).lines(0.0)
    return [_smooth((np.array(contour) + 0.5) / FINE - MARGIN, tolerance) for contour in contours]


def _height(ink: Floats) -> Floats:
    """How far ink [H, W] in [0, 1] is above half ink, on the fine grid: positive inside outlines.

    Half is of the strongest ink nearby, to keep faint strokes; it is less where ink falls apart.
    """
    sharp = _sharpen(ink)
    nearby = ndimage.gaussian_filter(ndimage.maximum_filter(sharp, 5), 1.0)
    down, right = map(_spline, ink.shape)
    fine, half, weight = (down @ a @ right.T for a in (sharp, (0.55 * nearby).clip(0.3, 0.5), ink))
    height = _drop_specks(fine - half, weight)
    for share in (0.8, 0.6):
        height = _join(height, fine - share * half)
    hole, _ = ndimage.label(height <= 0)
    pinhole = np.bincount(hole.ravel()) < PINHOLE * FINE**2
    pinhole[0] = False
    return np.where(pinhole[hole], BLANK, height)


def _sharpen(ink: Floats) -> Floats:
    """Smooth [H, W], but brighten ridges and darken valleys by half of their curvature.

    Edges, which have none, stay, and thin strokes and gaps survive. A ridge's dip counts as ridge.
    """
    xx, yy, xy = (ndimage.gaussian_filter(ink, 0.7, order) for order in ((0, 2), (2, 0), (1, 1)))
    mean, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    ridge = np.minimum(mean - spread, 0)
    valley = np.maximum(mean + spread + 2 * ridge, 0)
    sharpened: Floats = ndimage.gaussian_filter(ink, 0.5) - (ridge + valley) / 2
    return sharpened


@functools.cache
def _spline(size: int) -> Floats:
    """The matrix [FINE * size, size] from values to their cubic spline on the fine grid."""
    spline: Floats = ndimage.zoom(np.eye(size), (FINE, 1), order=3, grid_mode=True, mode="grid-constant")
    return spline


def _drop_specks(height: Floats, ink: Floats) -> Floats:
    """Sink pieces that hold too little ink."""
    piece, _ = ndimage.label(height > 0)
    held = np.bincount(piece.ravel(), ink.ravel())[1:] / FINE**2
    speck = np.append(False, held < min(SPECK, held.max(initial=0)))
    return np.where(speck[piece], -BLANK, height)


def _join(height: Floats, lower: Floats) -> Floats:
    """The height above a lower level where that joins several pieces, else ``height``."""
    piece, count = ndimage.label(height > 0)
    if count < 2:
        return height
    merged, _ = ndimage.label(lower > 0)
    home = np.zeros(count + 1, dtype=np.int64)
    home[piece] = merged  # a piece lies in one merged piece
    joined = (np.bincount(home[1:], minlength=merged.max() + 1) > 1)[merged]
    return np.where(ndimage.binary_dilation(joined, iterations=2), lower, height) if joined.any() else height


def _smooth(contour: Floats, tolerance: float) -> Outline:
    """The smoothing spline of a closed contour [N, 2], as Bezier curves."""
    contour = contour[np.append(True, (np.diff(contour, axis=0) != 0).any(1))]  # splprep allows no repeats
    # full_output silences the warning that the tolerance is met only nearly.
    (spline, _), *_ = splprep(contour.T, s=len(contour) * tolerance**2, per=True, full_output=True, quiet=True)
    knots = spline[0][3:-3]
    points, slopes = np.stack(splev(knots, spline), 1), np.stack(splev(knots, spline, der=1), 1)
    points[-1], slopes[-1] = points[0], slopes[0]
    steps = np.diff(knots)[:, None] / 3
    start, end = points[:-1], points[1:]
    return Outline(np.stack([start, start + slopes[:-1] * steps, end - slopes[1:] * steps, end], 1))


def rasterise(outlines: Sequence[Outline], height: int, width: int, scale: float = 1) -> Tensor:
    """Draw a picture of ``height`` x ``width`` pixels as [scale H, scale W] in [-1, 1], ink +1.

    A pixel is as bright as its share of ink; curves are taken as straight within a pixel.
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
    """Starts and ends [N, 2] of pieces of ``curves`` within ``bounds``, each in one pixel."""
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
