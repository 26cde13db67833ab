"""From pixels to outlines, and back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from contourpy import contour_generator
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import BSpline, splev, splprep
from torch import Tensor

Floats = NDArray[np.float64]
BLANK = 0.1  # share of full ink; a picture that is fainter everywhere is empty
SPECK = 1.5  # pixels of full ink; smaller pieces are dropped, unless there is nothing else
PINHOLE = 0.9  # square pixels; smaller holes are filled
FINE = 3  # the grid for contours is this many times finer than the pixels
MARGIN = 4  # pixels of paper added around the picture, so that ink at its border is closed there
STRIP = 100_000  # pixels that are traced at once, at least; the fine grid of a long line would fill the memory
SHORTEST = 64  # pixels of a strip's length, at least
GAP = BLANK / 2  # a strip ends between two rows or columns that are fainter, so that no outline crosses
HALO = 16  # pixels beyond a strip that are looked at; a spline's value hardly depends on farther ones


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
    return [_smooth((contour + 0.5) / FINE - MARGIN, tolerance) for contour in _contours(ink / ink.max())]


def _contours(ink: Floats) -> Iterator[Floats]:
    """The contours [N, 2] at half ink, on the fine grid, of ``ink`` [H, W] in [0, 1], by strips."""
    axis = int(ink.shape[1] > ink.shape[0])
    ends = _cut(ink.max(1 - axis), max(SHORTEST, STRIP // ink.shape[1 - axis]))
    for first, last in zip([0, *ends], [*ends, ink.shape[axis]], strict=True):
        near = max(0, first - HALO)
        seen = np.moveaxis(np.moveaxis(ink, axis, 0)[near : last + HALO], 0, axis)
        height = np.moveaxis(_height(seen), axis, 0)[FINE * (first - near) : FINE * (last - near)]
        start = np.array([FINE * first, 0] if axis else [0, FINE * first])
        yield from (np.array(line) + start for line in contour_generator(z=np.moveaxis(height, 0, axis)).lines(0.0))


def _cut(strongest: Floats, length: int) -> list[int]:
    """Where strips of ``length`` or more end; ``strongest`` is the most ink [L] of each row."""
    blank = strongest < GAP
    ends = [0]
    for end in np.flatnonzero(blank[:-1] & blank[1:]) + 1:
        if min(end - ends[-1], len(strongest) - end) >= length:
            ends.append(int(end))
    return ends[1:]


def _height(ink: Floats) -> Floats:
    """How far ink [H, W] in [0, 1] is above half ink, on the fine grid: positive inside outlines.

    Half is of the strongest ink nearby, to keep faint strokes; it is less where ink falls apart.
    """
    sharp = _sharpen(ink)
    nearby = ndimage.gaussian_filter(ndimage.maximum_filter(sharp, 5), 1.0)
    fine, half, weight = (_refine(a) for a in (sharp, (0.55 * nearby).clip(0.3, 0.5), ink))
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


def _refine(values: Floats) -> Floats:
    """The cubic spline through ``values`` [H, W], 0 outside, on the fine grid [FINE H, FINE W]."""
    reach = 12  # pixels beyond which the borders have no influence
    spline = BSpline.basis_element(np.arange(-2, 3), extrapolate=False)
    for _ in range(2):
        size = len(values)
        knots = ndimage.spline_filter1d(np.pad(values, ((reach, reach), (0, 0))), axis=0)
        fine = np.zeros((size, FINE, values.shape[1]))
        for i in range(FINE):
            place = (i + 0.5) / FINE - 0.5
            for step in range(-2, 3):
                if weight := np.nan_to_num(spline(place - step)):
                    fine[:, i] += weight * knots[reach + step : reach + step + size]
        values = fine.reshape(FINE * size, -1).T
    return values


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


def extent(outlines: Sequence[Outline]) -> tuple[float, float, float, float]:
    """Top, bottom, left and right of outlines, of which there is one or more."""
    found = points(outlines)
    (left, top), (right, bottom) = found.min(0).tolist(), found.max(0).tolist()
    return top, bottom, left, right


def points(outlines: Sequence[Outline], count: int = 17) -> Floats:
    """Points [N, 2] on outlines: ``count`` of each curve."""
    return np.concatenate([(_weights(count) @ one.curves).reshape(-1, 2) for one in outlines])


def _weights(count: int) -> Floats:
    """The weights [count, 4] of a Bezier curve's points, at equal steps from start to end."""
    t = np.linspace(0, 1, count)[:, None]
    return np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])


def rasterise(outlines: Sequence[Outline], height: int, width: int, scale: float = 1) -> Tensor:
    """Draw a picture of ``height`` x ``width`` pixels as [scale H, scale W] in [-1, 1], ink +1.

    A pixel is as bright as its share of ink; curves are taken as straight within a pixel.
    """
    rows, columns = round(height * scale), round(width * scale)
    cover = np.zeros((rows + 1, columns + 2))  # what each piece adds to its own pixel and to all on its right
    for outline in outlines:
        start, end = _pieces(outline.curves * scale, np.array([columns, rows]))
        middle, fall = (start + end) / 2, start[:, 1] - end[:, 1]
        left, top = middle.min(0).astype(int)
        column, row = middle.astype(int).T - [[left], [top]]
        wide, tall = column.max() + 2, row.max() + 1
        here = row * wide + column
        inside = 1 - (middle[:, 0] - column - left)
        added = np.bincount(here, fall * inside, tall * wide) + np.bincount(here + 1, fall * (1 - inside), tall * wide)
        cover[top : top + tall, left : left + wide] += added.reshape(tall, wide)
    share = np.cumsum(cover, 1, out=cover)[:rows, :columns]
    np.abs(share, out=share).clip(max=1, out=share)
    share *= 2
    share -= 1
    return torch.from_numpy(share.astype(np.float32))


def _pieces(curves: Floats, bounds: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Starts and ends [N, 2] of pieces of ``curves`` within ``bounds``, each in one pixel."""
    count = int(3 * np.abs(np.diff(curves, axis=1)).max()) + 2
    points = np.clip(_weights(count) @ curves, 0, bounds)  # [S, count, 2]
    start, end = points[:, :-1].reshape(-1, 2), points[:, 1:].reshape(-1, 2)
    for axis in (0, 1):  # cut in two where a piece passes from one pixel to the next
        low, high = np.minimum(start, end)[:, axis], np.maximum(start, end)[:, axis]
        border = np.minimum(np.floor(low) + 1, high)
        length = end[:, axis] - start[:, axis]
        share = np.divide(border - start[:, axis], length, out=np.ones_like(length), where=length != 0)
        cut = start + share[:, None] * (end - start)
        start, end = np.concatenate([start, cut]), np.concatenate([cut, end])
    return start, end
