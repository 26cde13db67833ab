"""The ink of one digit in a photograph: under uneven light, beside a table's edge, among specks.

A picture whose border is even has one paper. Elsewhere the paper is the median of a wide
neighbourhood, which strokes hardly change and along which shadows and edges stay where they are.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gan.error import UserError
from gan.image import border

Floats = NDArray[np.float64]
SIDE = 640  # pixels of the longer side that are looked at
COARSE = 160  # pixels of the longer side in which the paper is found
WINDOW = 3  # neighbourhoods in a side
FAINT = 30  # bytes that differ less from the border belong to the paper
EVEN = 0.05  # share of the border that may differ from the paper of an even picture
INKED = 0.3  # share of full ink from which a pixel belongs to a piece
PALE = 0.2  # share of the paper's light; what darkens it less is no ink
EDGE = 0.02  # share of the longer side within which a piece belongs to what is at the border
FILLED = 0.5  # share of a side that a digit at the border has at least; corners of a table have less
CLEAR = 0.4  # mean ink of a digit under uneven light; shadows beside a table's edge have up to 0.38
SPECK = 0.03  # share of the largest piece's pixels; smaller ones are specks
SMALLEST = 0.03  # share of the picture's longer side; smaller digits are specks
NEAR = 0.3  # distance of a digit's parts, as a share of its longer side
WHOLE = 0.5  # share of the larger one's height from which a separate piece counts as another digit
ONE_DIGIT = "give a picture of one digit"


def find_ink(picture: NDArray[np.uint8]) -> Floats:
    """The ink [h, w] in [0, 1] of the digit in bytes [H, W], cropped to it.

    Raises UserError, which says what was found instead, unless there is one digit.
    """
    grey: Floats = _shrink(picture, SIDE).astype(np.float64)
    edges = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    if np.mean(np.abs(edges - border(grey)) > FAINT) <= EVEN:
        inks, least = [np.abs(grey - border(grey))], float(FAINT)
    else:
        paper = _find_paper(grey)
        inks = [np.maximum(1 - grey / paper, 0), np.maximum(1 - paper / grey, 0)]  # dark ink, light ink
        least = PALE
    if max(ink.max() for ink in inks) < least:
        raise UserError(f"shows nothing: {ONE_DIGIT}, dark on light or light on dark")
    found = [_find_pieces(ink, least) for ink in inks]
    ink, pieces = max(zip(inks, found, strict=True), key=_strength)
    if least == PALE and 0 < _strength((ink, pieces)) < CLEAR:
        raise UserError(f"shows marks as pale as shadows: {ONE_DIGIT} in even light, or cropped to it")
    mine = _choose(pieces)
    return _cut(np.where(mine | (pieces == 0), ink, 0), mine)


def _strength(ink_and_pieces: tuple[Floats, NDArray[np.int32]]) -> float:
    """The mean ink of pieces, 0 if all are specks. Edges of shadows are large, but pale."""
    ink, pieces = ink_and_pieces
    largest = np.bincount(pieces.ravel(), minlength=2)[1:].max()
    return float(ink[pieces > 0].mean()) if largest > (SMALLEST * max(pieces.shape)) ** 2 / 4 else 0.0


def _shrink(grey: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Bytes [H, W] with at most ``side`` pixels a side."""
    picture = Image.fromarray(grey)
    picture.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=2)
    return np.asarray(picture)


def _find_paper(grey: Floats) -> Floats:
    """The light of the paper [H, W] in [1, 255] below the ink of a picture [H, W]."""
    from scipy.ndimage import median_filter  # takes long to import, and only photographs need it

    small = _shrink(grey.round().astype(np.uint8), COARSE)
    paper = Image.fromarray(median_filter(small, 2 * (max(small.shape) // WINDOW // 2) + 1, mode="nearest"))
    large = paper.convert("F").resize(grey.shape[::-1], Image.Resampling.BICUBIC)
    np.clip(grey, 1, 255, out=grey)
    return np.asarray(large, dtype=np.float64).clip(1, 255)


def _find_pieces(ink: Floats, least: float) -> NDArray[np.int32]:
    """Numbers [H, W] of the pieces of ink, 0 for none; what is near the border only if all is."""
    from scipy.ndimage import gaussian_filter, label, maximum_filter

    smooth = gaussian_filter(ink, 1.0) if max(ink.shape) > 2 * COARSE else ink  # grain of a photograph
    inked = smooth >= max(least, INKED * smooth.max())
    reach = 2 * round(EDGE * max(ink.shape)) + 1
    joined, _ = label(maximum_filter(smooth >= least, reach) if reach > 1 else inked)  # a table has a grain too
    edges = np.concatenate([joined[0], joined[-1], joined[:, 0], joined[:, -1]])
    inner = smooth * ~np.isin(joined, edges[edges > 0])
    if inner.max() >= least:
        inked = inner >= max(least, INKED * inner.max())
    elif least < FAINT or not _fills(inked):
        inked[:] = False
    pieces: NDArray[np.int32] = label(inked, np.ones((3, 3)))[0]
    return pieces


def _fills(inked: NDArray[np.bool_]) -> bool:
    """Whether the largest piece of [H, W] spans the picture, as a digit that is cut out tightly."""
    from scipy.ndimage import find_objects, label

    pieces, count = label(inked, np.ones((3, 3)))
    if not count:
        return False
    box = find_objects(pieces)[np.bincount(pieces.ravel())[1:].argmax()]
    return any(part.stop - part.start > FILLED * side for part, side in zip(box, inked.shape, strict=True))


def _choose(pieces: NDArray[np.int32]) -> NDArray[np.bool_]:
    """The pixels of the digit among ``pieces``: of the largest piece and of its near parts."""
    from scipy.ndimage import find_objects

    sizes = np.bincount(pieces.ravel(), minlength=2)[1:]
    boxes = [np.array([[side.start, side.stop] for side in box]) for box in find_objects(pieces)]
    long = SMALLEST * max(pieces.shape)
    kept = [i for i, box in enumerate(boxes) if sizes[i] >= SPECK * sizes.max() and np.ptp(box, 1).max() >= long]
    if not kept:
        raise UserError(f"shows no digit, only specks or what touches its edge: {ONE_DIGIT} with paper all around it")
    kept.sort(key=lambda i: -sizes[i])
    mine, others = [kept.pop(0)], []
    for i in kept:
        apart = _distance(boxes[i], boxes[mine[0]])
        tall = [np.ptp(boxes[j], 1).max() for j in (i, mine[0])]
        if (apart[1] > 0 or apart[0] > NEAR * tall[1]) and min(tall) >= WHOLE * max(tall):  # a torn 8 is one
            others.append(i)
        elif max(apart) <= NEAR * tall[1]:
            mine.append(i)
    if others:
        raise UserError(f"shows {1 + len(others)} things that may be digits: {ONE_DIGIT}, cropped to it")
    chosen: NDArray[np.bool_] = np.isin(pieces, np.array(mine) + 1)
    return chosen


def _distance(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """The pixels [2], down and right, between boxes [2, 2] of starts and ends, or 0."""
    between: NDArray[np.int64] = np.maximum(one[:, 0], other[:, 0]) - np.minimum(one[:, 1], other[:, 1])
    return between.clip(min=0)


def _cut(ink: Floats, mine: NDArray[np.bool_]) -> Floats:
    """Ink [H, W], cropped to the pixels of ``mine`` and scaled to at most 1."""
    rows, columns = (np.flatnonzero(mine.any(axis)) for axis in (1, 0))
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    pale = np.median(ink[part][~mine[part]]) if not mine[part].all() else 0.0  # light differs from the border's
    cut: Floats = ((ink[part] - pale) / max(ink[mine].max() - pale, 1e-6)).clip(0, 1)
    return cut
