"""Clean digits: without specks, in one piece, and with the holes of their class.

A hole is paper, joined by sides, that ink, joined by sides or corners, encloses. The holes must be
right twice: where only dark pixels are ink, an open loop is no hole; where pale ones are ink too, a
loop pinched to less than 3 pixels is none. A speck is a piece of ink apart from the largest, with
less than a tenth of its ink; with more, the digit is broken.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan.error import UserError
from gan.names import digit, shown

HOLES = ((1, 1), (0, 0), (0, 0), (0, 0), (0, 1), (0, 0), (1, 1), (0, 0), (2, 2), (1, 1))  # least and most, of 0 to 9
DARK, PALE, FAINT = 2 / 3, 1 / 3, 0.2  # shares of the strongest ink of an image
OPEN = 3  # pixels that a hole has at least, where pale pixels are ink
SPECK = 0.1  # of the ink of the largest piece
Booleans = NDArray[np.bool_]
Counts = NDArray[np.int64]


def known_digits(labels: Iterable[int], names: Sequence[str]) -> dict[int, int]:
    """The digit of each of the labels. Raises UserError unless all are 0 to 9 or zero to nine."""
    asked = {label: names[label] if names else "" for label in labels}
    found = {label: value for label, name in asked.items() if name.isascii() and (value := digit(name)) is not None}
    if others := [name for label, name in asked.items() if label not in found]:
        unknown = shown(others) or "digits without a class"
        raise UserError(f"clean knows the holes of the digits 0 to 9, not those of {unknown}: choose clean=false")
    return found


def remove_specks(x: Tensor) -> Tensor:
    """Images [N, 1, H, W] in [-1, 1]; specks, and what is faint and away from ink, become paper."""
    from scipy import ndimage  # plain drawing must not wait for it

    ink = _ink(x)
    piece, owner = _label(ink > FAINT, corners=True)
    mass = np.bincount(piece.ravel(), ink.ravel(), len(owner))
    mass[0], largest = 0, np.zeros(len(ink))
    np.maximum.at(largest, owner, mass)
    kept = (mass >= SPECK * largest[owner])[piece] & (piece > 0)
    soft = ndimage.binary_dilation(kept, np.ones((1, 3, 3))) & (piece == 0)  # the edge of a stroke
    return x.where(torch.from_numpy(kept | soft)[:, None], -1.0)


def is_clean(x: Tensor, digits: Sequence[int]) -> Tensor:
    """Whether images [N, 1, H, W] in [-1, 1] show their digit in one piece, with its holes: [N]."""
    ink, (least, most) = _ink(x), np.array(HOLES)[list(digits)].T
    holes = np.stack([count_holes(ink > DARK), count_holes(ink > PALE, OPEN)])
    pieces = np.bincount(_label(ink > PALE, corners=True)[1][1:], minlength=len(ink))
    return torch.from_numpy((pieces == 1) & (least <= holes).all(0) & (holes <= most).all(0))


def count_holes(inked: Booleans, smallest: int = 1) -> Counts:
    """The holes [N] of ``smallest`` pixels or more in ink [N, H, W]."""
    paper, owner = _label(np.pad(~inked, ((0, 0), (1, 1), (1, 1)), constant_values=True), corners=False)
    is_hole = np.bincount(paper.ravel(), minlength=len(owner)) >= smallest
    is_hole[0] = False
    is_hole[paper[:, 0, 0]] = False  # the paper around
    return np.bincount(owner[is_hole], minlength=len(inked))


def _ink(x: Tensor) -> NDArray[np.float32]:
    """Ink [N, H, W] of images [N, 1, H, W], as a share of the strongest in the image."""
    ink = x[:, 0].float() + 1
    shares: NDArray[np.float32] = (ink / ink.amax((1, 2), keepdim=True).clamp(min=0.02)).numpy()
    return shares


def _label(inside: Booleans, corners: bool) -> tuple[Counts, Counts]:
    """Number the pieces of [N, H, W] from 1; the image of each, by number (0: outside of all)."""
    from scipy import ndimage

    joined = np.zeros((3, 3, 3), bool)
    joined[1] = ndimage.generate_binary_structure(2, 2 if corners else 1)  # never from image to image
    piece, count = ndimage.label(inside, joined)
    owner = np.zeros(count + 1, np.int64)
    owner[piece] = np.arange(len(inside))[:, None, None]
    owner[0] = 0
    return piece, owner
