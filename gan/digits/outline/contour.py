"""From pixels to outlines."""

import functools
from dataclasses import dataclass

import numpy as np
from contourpy import contour_generator
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import splev, splprep
from torch import Tensor

Floats = NDArray[np.float64]
BLANK = 0.1  # share of full ink: what is fainter everywhere is an empty picture
SPECK = 1.5  # pixels of full ink: what holds less is dropped, unless there is nothing else
PINHOLE = 0.9  # square pixels: smaller holes are filled
FINE = 3  # contours are followed on a grid so many times finer than the pixels
MARGIN = 4  # pixels of paper around the picture, so that ink at its border is closed there

# The integral of x dy along a cubic Bezier curve is x' AREA y / 20, x and y being its four points' coordinates.
AREA = np.array([[-10, 6, 3, 1], [-6, 0, 3, 3], [-3, -3, 0, 6], [-1, -3, -6, 10]])


@dataclass(frozen=True, eq=False)
class Outline:
    """One closed path of S cubic Bezier curves, of ink or of a hole in it; it never has a corner."""

    curves: Floats  # [S, 4, 2]: of each curve its start, its two handles and its end, which is the next one's start; (x, y)

    @property
    def area(self) -> float:
        """Square pixels; negative for a hole, which runs the other way round."""
        x, y = np.moveaxis(self.curves, -1, 0)
        return float(np.einsum("si,ij,sj->", x, AREA, y)) / 20


def trace(image: Tensor, *, tolerance: float = 0.1) -> list[Outline]:
    """The outlines of the ink (bright, +1) of ``image`` [H, W] in [-1, 1], at half ink; none where it is blank.

    Paths of ink run one way and those of holes the other, so that both fill rules give the same. ``tolerance`` is the root
    mean square distance in pixels between a path and the contour that it smooths: less follows the pixels' stairs, more
    loses detail.

    The contour is that of a cubic spline through the sharpened picture, and a path a periodic smoothing spline with as few
    knots as the tolerance allows (Dierckx 1982, "Algorithms for smoothing data with periodic and parametric splines"), so
    that tangent and curvature are continuous.
    """
    ink = np.pad((image.double().cpu().numpy() + 1) / 2, MARGIN).clip(0, 1)
    if ink.max() < BLANK:
        return []
    height = _height(ink / ink.max())
    contours = (np.array(line) for line in contour_generator(z=height).lines(0.0))
    return [_smooth((contour + 0.5) / FINE - MARGIN, tolerance) for contour in contours]


def _height(ink: Floats) -> Floats:
    """Of ink [H, W] in [0, 1], the height above half ink on the fine grid: positive where ink is to be.

    Half ink is half of the strongest nearby, so that faint strokes stay, and less where the ink would fall to pieces.
    """
    sharp = _sharpen(ink)
    nearby = ndimage.gaussian_filter(ndimage.maximum_filter(sharp, 5), 1.0)
    fine, half, weight = (_finer(a) for a in (sharp, (0.55 * nearby).clip(0.3, 0.5), ink))
    height = _drop_specks(fine - half, weight)
    for share in (0.8, 0.6):
        height = _join(height, fine - share * half)
    return _fill_pinholes(height)


def _sharpen(ink: Floats) -> Floats:
    """Smooth [H, W] a little, but brighten ridges and darken valleys by half of their curvature across.

    The edge of a stroke has none, so that it stays where it is, while a thin stroke or a thin gap survives the smoothing.
    Where a ridge dips, as at the faint link of two strokes, it is more ridge than valley.
    """
    xx, yy, xy = (ndimage.gaussian_filter(ink, 0.7, order) for order in ((0, 2), (2, 0), (1, 1)))
    mean, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    ridge = np.minimum(mean - spread, 0)
    valley = np.maximum(mean + spread + 2 * ridge, 0)
    sharpened: Floats = ndimage.gaussian_filter(ink, 0.5) - (ridge + valley) / 2
    return sharpened


@functools.cache
def _spline(size: int) -> Floats:
    """What makes of ``size`` values those of the cubic spline through them on the fine grid: [FINE * size, size]."""
    spline: Floats = ndimage.zoom(np.eye(size), (FINE, 1), order=3, grid_mode=True, mode="grid-constant")
    return spline


def _finer(a: Floats) -> Floats:
    """The cubic spline through [H, W] on the fine grid."""
    return _spline(a.shape[0]) @ a @ _spline(a.shape[1]).T


def _drop_specks(height: Floats, ink: Floats) -> Floats:
    """Sink pieces that hold too little ink."""
    piece, count = ndimage.label(height > 0)
    if count < 2:
        return height
    held = np.bincount(piece.ravel(), ink.ravel())[1:] / FINE**2
    speck = np.append(False, held < min(SPECK, held.max()))
    return np.where(speck[piece], -BLANK, height)


def _join(height: Floats, lower: Floats) -> Floats:
    """The height above a lower level where that makes one piece of several, else ``height`` as it is."""
    piece, count = ndimage.label(height > 0)
    if count < 2:
        return height
    whole, _ = ndimage.label(lower > 0)
    home = np.zeros(count + 1, dtype=np.int64)
    home[piece] = whole  # all of a piece is in one whole
    joined = (np.bincount(home[1:], minlength=whole.max() + 1) > 1)[whole]
    return np.where(ndimage.binary_dilation(joined, iterations=2), lower, height) if joined.any() else height


def _fill_pinholes(height: Floats) -> Floats:
    """Lift holes that are too small."""
    hole, _ = ndimage.label(height <= 0)
    pinhole = np.bincount(hole.ravel()) < PINHOLE * FINE**2
    pinhole[0] = False
    return np.where(pinhole[hole], BLANK, height)


def _smooth(contour: Floats, tolerance: float) -> Outline:
    """The smoothing spline of a closed contour [N, 2], as Bezier curves."""
    moved = np.append(True, (np.diff(contour, axis=0) != 0).any(1))
    contour = contour[moved]
    # The full output, since without it the library warns of a tolerance that it met only nearly.
    (spline, _), *_ = splprep(contour.T, s=len(contour) * tolerance**2, per=True, full_output=True, quiet=True)
    knots = spline[0][3:-3]
    place = np.stack(splev(knots, spline), 1)
    third = np.stack(splev(knots, spline, der=1), 1)
    steps = np.diff(knots)[:, None] / 3
    place[-1], third[-1] = place[0], third[0]
    return Outline(np.stack([place[:-1], place[:-1] + third[:-1] * steps, place[1:] - third[1:] * steps, place[1:]], 1))
