"""How digits stand in a line: their size, what is between them, the baseline, the margin, and the box of each."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import label
from torch import Tensor
from torch.nn.functional import interpolate, pad

from gan.digits import mark
from gan.digits.given import real, whole
from gan.image import to_float, to_uint8, warp

SPECK = 0.03  # share of a digit's ink below which a piece that lies apart is left out
INK = 26  # bytes from which a pixel belongs to a digit: a tenth of full ink
DIGIT = 20 / 28  # height of MNIST's digits in their cell


@dataclass(frozen=True)
class Layout:
    """How digits stand in a line. Lengths are in heights of a digit, which is 20/28 of ``height`` pixels.

    ``spacing`` between the ink of neighbours; ``jitter``, the standard deviation of how far a digit is off the baseline;
    ``slant`` in degrees beyond the hand's own; ``margin`` around all. Raises ValueError for what no line has.
    """

    height: int = 28
    spacing: float = 0.2
    jitter: float = 0.02
    slant: float = 0.0
    margin: float = 0.3

    def __post_init__(self) -> None:
        object.__setattr__(self, "height", whole("layout.height", self.height, 8, 1024))
        for name, (low, high) in {"spacing": (-0.5, 10), "jitter": (0, 1), "slant": (-45, 45), "margin": (0, 10)}.items():
            object.__setattr__(self, name, real(f"layout.{name}", getattr(self, name), low, high))


@dataclass(frozen=True)
class Box:
    """Where a character's ink is, in pixels from the top left corner: x <= right < x + width. A space has none."""

    character: str
    x: int
    y: int
    width: int
    height: int


def shape(x: Tensor, layout: Layout) -> np.ndarray:
    """Images [N, 1, H, H] as bytes [N, h, w] of the layout's height, leant by its slant."""
    n, _, side, _ = x.shape
    if layout.slant and n:
        shear = math.tan(math.radians(layout.slant))
        x = pad(x, [side // 2, side // 2], value=-1.0)
        down, right = torch.meshgrid(torch.arange(side) + 0.5, torch.arange(2 * side) + 0.5, indexing="ij")
        place = torch.stack([(right + shear * (down - side / 2)) / side - 1, down * 2 / side - 1], 2)
        x = torch.cat([warp(part, place.expand(len(part), -1, -1, -1)) for part in x.split(500)])
    if layout.height != side and n:
        width = round(x.shape[3] * layout.height / side)
        x = interpolate(x, (layout.height, width), mode="bicubic", antialias=True)
    cells: np.ndarray = to_uint8(x).squeeze(1).numpy()
    return cells


def compose(
    text: str, cells: np.ndarray, layout: Layout, source: torch.Generator, thickness: float = 2.5, slant: float = 0.0
) -> tuple[Tensor, list[Box]]:
    """Put the digits ``cells`` (bytes [N, h, w], one for each of ``text``) and its separators in a line: [1, H, W] and boxes.

    Digits stand on the baseline. Separators lean by ``slant`` degrees as far as
    they stay what they are, and are ``thickness`` pixels thick.
    """
    unit = layout.height * DIGIT
    shear = min(max(math.tan(math.radians(slant)) + math.tan(math.radians(layout.slant)), mark.LEANS[0]), mark.LEANS[1])
    digits, pieces, x = iter(cells), [], 0.0  # pieces: character, ink, left, top above the baseline
    for one in text:
        if one == " ":
            x += mark.SPACE * unit
            continue
        if one.isdigit():
            cell, rise = next(digits), None
        else:
            drawn = mark.draw(one, unit, thickness, shear, source)
            cell, rise = to_uint8(drawn).numpy(), round(1.5 * unit)
        ink, top = crop(cell)
        above = ink.shape[0] if rise is None else rise - top
        off = round(float(torch.randn((), generator=source)) * layout.jitter * unit)
        pieces.append((one, ink, round(x), above + off))
        x += ink.shape[1] + layout.spacing * unit
    return _paste(pieces, round(layout.margin * unit), unit, round(x))


def crop(cell: np.ndarray) -> tuple[np.ndarray, int]:
    """What has ink of bytes [h, w], without specks, and how far down it begins; a pixel of nothing where there is none."""
    pieces, count = label(cell >= INK, np.ones((3, 3)))
    if not count:
        return cell[:1, :1], 0
    sizes = np.bincount(pieces.ravel())[1:]
    whole = np.flatnonzero(sizes >= min(SPECK * sizes.sum(), sizes.max())) + 1  # in crumbs, the largest
    inked = pieces > 0 if len(whole) == count else np.isin(pieces, whole)
    rows, columns = np.flatnonzero(inked.any(1)), np.flatnonzero(inked.any(0))
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return np.where(inked | (pieces == 0), cell, 0)[part], int(rows[0])


def _paste(pieces: list[tuple[str, np.ndarray, int, int]], margin: int, unit: float, width: int) -> tuple[Tensor, list[Box]]:
    """The picture of pieces (character, ink, left, top above the baseline), all of it inside the margins."""
    up = max([round(1.1 * unit), *(above for *_, above in pieces)])
    down = max([round(0.25 * unit), *(ink.shape[0] - above for _, ink, _, above in pieces)])
    first = min([0, *(left for *_, left, _ in pieces)])
    last = max([*(left + ink.shape[1] for _, ink, left, _ in pieces), *([] if pieces else [width])])
    canvas = np.zeros((up + down + 2 * margin, max(1, last - first) + 2 * margin), np.uint8)
    boxes = []
    for one, ink, left, above in pieces:
        x, y = left - first + margin, up - above + margin
        view = canvas[y : y + ink.shape[0], x : x + ink.shape[1]]
        np.maximum(view, ink, out=view)
        boxes.append(Box(one, x, y, ink.shape[1], ink.shape[0]))
    return to_float(torch.from_numpy(canvas))[None], boxes
