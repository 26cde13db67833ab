"""The layout of a line: size, spacing, baseline, margin, and the box of each character."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from gan.digits import mark
from gan.digits.look import validate_area
from gan.image import to_float, to_uint8, warp
from gan.validate import integer, number

SPECK = 0.03  # separate pieces with a smaller share of a digit's ink are left out
INK = 26  # the least byte of a pixel that belongs to a digit: a tenth of full ink
DIGIT = 20 / 28  # height of MNIST's digits in their cell
AT_ONCE = 500 * 28**2  # pixels of digits that are scaled together
UP, DOWN = 1.1, 0.25  # what a line has at least above and below the baseline, in heights of a digit
TOO_LARGE = "choose a lower layout.height, spacing or margin, or a shorter text"
Piece = tuple[str, np.ndarray, int, int]  # character, bytes [h, w], left, top above the baseline


@dataclass
class Layout:
    """How digits stand in a line, in heights of a digit. Raises UserError for impossible values."""

    height: int = 28  # pixels; a digit has 20/28 of them
    spacing: float = 0.2  # between the ink of neighbours
    jitter: float = 0.02  # standard deviation of the distance from the baseline
    slant: float = 0.0  # degrees, added to the hand's own
    margin: float = 0.3  # around the line

    def __post_init__(self) -> None:
        self.height = integer("layout.height", self.height, 8, 1024)
        self.spacing = number("layout.spacing", self.spacing, -0.5, 10)
        self.jitter = number("layout.jitter", self.jitter, 0, 1)
        self.slant = number("layout.slant", self.slant, -45, 45)
        self.margin = number("layout.margin", self.margin, 0, 10)


@dataclass(frozen=True)
class Box:
    """The box of a character's ink, in pixels from the top left corner. A space has none."""

    character: str
    x: int
    y: int
    width: int
    height: int


def to_cells(x: Tensor, layout: Layout) -> Iterator[np.ndarray]:
    """Images [N, 1, H, H] as bytes [h, w] of the layout's height and slant, a few at a time."""
    for some in x.split(max(1, AT_ONCE // layout.height**2)) if len(x) else ():
        yield from _fit(some, layout)


def _fit(x: Tensor, layout: Layout) -> np.ndarray:
    """Images [N, 1, H, H] as bytes [N, h, w] of the layout's height and slant."""
    side = x.shape[-1]
    if layout.slant:
        x = lean(x, torch.full((len(x),), math.tan(math.radians(layout.slant))))
    if layout.height != side:
        width = round(x.shape[3] * layout.height / side)
        x = interpolate(x, (layout.height, width), mode="bicubic", antialias=True)
    return to_uint8(x).squeeze(1).numpy()


def lean(x: Tensor, shear: Tensor) -> Tensor:
    """Images [N, 1, H, H] in cells [N, 1, H, 2 H]; ``shear`` [N] is to the right per pixel up."""
    side = x.shape[-1]
    x = pad(x, [side // 2, side // 2], value=-1.0)
    down, right = torch.meshgrid(torch.arange(side) + 0.5, torch.arange(2 * side) + 0.5, indexing="ij")
    right = (right + shear[:, None, None] * (down - side / 2)) / side - 1
    return warp(x, torch.stack([right, (down * 2 / side - 1).expand_as(right)], 3))


def compose(
    text: str,
    cells: Iterable[np.ndarray],
    layout: Layout,
    source: torch.Generator,
    thickness: float = 2.5,
    slant: float = 0.0,
) -> tuple[Tensor, list[Box]]:
    """Join ``cells``, bytes [h, w] of each digit of ``text``, and separators: [1, H, W], boxes.

    ``thickness`` in pixels and ``slant`` in degrees are of the separators. Raises UserError for
    more pixels than a picture may have, before all characters are drawn.
    """
    unit = layout.height * DIGIT
    margin, least = round(layout.margin * unit), round(UP * unit) + round(DOWN * unit)
    shear = math.tan(math.radians(slant)) + math.tan(math.radians(layout.slant))
    shear = float(np.clip(shear, *mark.LEANS))
    pieces: list[Piece] = []
    digits, x = iter(cells), 0.0
    for one in text:
        if one == " ":
            x += mark.SPACE * unit
            continue
        if one.isdigit():
            ink, _ = crop(next(digits))
            above = len(ink)  # it stands on the baseline
        else:
            ink, top = crop(to_uint8(mark.draw(one, unit, thickness, shear, source)).numpy())
            above = round(1.5 * unit) - top
        above += round(float(torch.randn((), generator=source)) * layout.jitter * unit)
        pieces.append((one, ink, round(x), above))
        validate_area(least + 2 * margin, round(x) + ink.shape[1] + 2 * margin, TOO_LARGE)
        x += ink.shape[1] + layout.spacing * unit
    return _paste(pieces, margin, unit, round(x))


def crop(cell: np.ndarray) -> tuple[np.ndarray, int]:
    """Crop bytes [h, w] to the ink without specks, or to one empty pixel; also its first row."""
    from scipy.ndimage import label  # takes long to import, and only lines need it

    pieces, count = label(cell >= INK, np.ones((3, 3)))
    if not count:
        return cell[:1, :1], 0
    sizes = np.bincount(pieces.ravel())[1:]
    kept = np.flatnonzero(sizes >= min(SPECK * sizes.sum(), sizes.max())) + 1  # at least the largest
    inked = pieces > 0 if len(kept) == count else np.isin(pieces, kept)
    rows, columns = (np.flatnonzero(inked.any(axis)) for axis in (1, 0))
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return np.where(inked | (pieces == 0), cell, 0)[part], int(rows[0])


def _paste(pieces: list[Piece], margin: int, unit: float, width: int) -> tuple[Tensor, list[Box]]:
    """The picture of pieces inside margins, and boxes; ``width`` pixels wide without pieces."""
    up = max([round(UP * unit), *(above for *_, above in pieces)])
    down = max([round(DOWN * unit), *(len(ink) - above for _, ink, _, above in pieces)])
    first = min([0, *(left for *_, left, _ in pieces)])
    last = max((left + ink.shape[1] for _, ink, left, _ in pieces), default=width)
    height, width = up + down + 2 * margin, max(1, last - first) + 2 * margin
    validate_area(height, width, TOO_LARGE)
    canvas = np.zeros((height, width), np.uint8)
    boxes = []
    for one, ink, left, above in pieces:
        x, y = left - first + margin, up - above + margin
        tall, wide = ink.shape
        canvas[y : y + tall, x : x + wide] = np.maximum(canvas[y : y + tall, x : x + wide], ink)
        boxes.append(Box(one, x, y, wide, tall))
    return to_float(torch.from_numpy(canvas))[None], boxes
