"""Grey digits in colour, enlarged, on a larger paper.

A grey picture is floats [1, H, W] in [-1, 1]: -1 is paper, 1 is full ink.
"""

import math
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from gan.digits.look import MOST, Look, blend, over, parse_gradient, validate_area
from gan.digits.texture import bands, board, chalk, grain, ruling
from gan.error import UserError
from gan.image import to_uint8

CRISP = 2  # from this enlargement on, outlines are drawn
SMALLEST = 5  # height in pixels of a line on a paper; a lower one shows nothing
MARGIN = 0.075  # around the ink, a share of the shorter side of the paper
FAINTEST = 0.22  # share of full ink; generators leave fainter specks


class Placement(NamedTuple):
    """Where a picture lies on its paper: (x, y) is at (x * scale + right, y * scale + down)."""

    scale: float
    right: float
    down: float


def paint(grey: Tensor, look: Look, seed: int = 0) -> Tensor:
    """Colour grey pictures [1, H, W] or [N, 1, H, W] at ``look.height``: bytes [.., C, H, W].

    C is 1 for a grey look, 4 for paper that is not opaque, else 3. Picture i has the texture of
    ``seed + i``. Ink and paper mix in sRGB, as in browsers: white on black is the generator's grey
    to the byte, and strokes weigh the same on light and on dark paper. Raises UserError for more
    pixels than a picture may have.
    """
    if grey.ndim == 4:
        return torch.stack([paint(one, look, seed + i) for i, one in enumerate(grey)])
    if look.height:
        rows, columns = grey.shape[1:]
        most = math.floor(math.sqrt(MOST * rows / columns))
        remedy = f"choose look.height={most} or less, or an .svg, which is sharp at any size"
        validate_area(look.height, round(columns * look.height / rows), remedy)
        grey = enlarge(grey, look.height)
    return _colour(grey, look, seed)


def paint_canvas(
    grey: Tensor, width: int, height: int, look: Look, seed: int = 0, margin: float = MARGIN
) -> tuple[Tensor, Placement]:
    """Paint the ink of a grey picture as large as fits on a paper: bytes [C, height, width].

    ``margin`` is a share of the shorter side. Raises UserError if the paper is too small.
    """
    free = 2 * margin * min(width, height)
    room, least = (height - free, width - free), grey.shape[1] / 4  # a speck stays one
    box: tuple[float, float, float, float] = _ink_box(grey)
    outlines = []
    if _fit(box, room, least) >= CRISP:
        from gan.digits.outline import Outline, extent, rasterise, trace  # imports SciPy

        outlines = trace(grey[0])
        box = extent(outlines) if outlines else box
    (top, bottom, left, right), scale = box, _fit(box, room, least)
    if max(bottom - top, least) * scale < SMALLEST:
        remedy = "choose a larger size, a smaller margin or fewer characters"
        raise UserError(f"{width}x{height} pixels are too few here: {remedy}")
    if outlines:
        x, y = (width - (left + right) * scale) / 2, (height - (top + bottom) * scale) / 2
        moved = [Outline(one.curves * scale + (x, y)) for one in outlines]
        return _colour(rasterise(moved, height, width)[None], look, seed), Placement(scale, x, y)
    border = 3  # pixels, so that strokes at the edge end as the others do
    inked = pad(grey[:, round(top) : round(bottom), round(left) : round(right)], (border,) * 4, value=-1.0)
    large = enlarge(inked, math.floor(inked.shape[1] * scale))
    scale = large.shape[1] / inked.shape[1]
    spare_x, spare_y = width - large.shape[2], height - large.shape[1]  # if negative, crop the empty border
    x, y = spare_x // 2, spare_y // 2
    large = pad(large, (x, spare_x - x, y, spare_y - y), value=-1.0)
    return _colour(large, look, seed), Placement(scale, x + (border - left) * scale, y + (border - top) * scale)


def _fit(box: tuple[float, float, float, float], room: tuple[float, float], least: float) -> float:
    """How much a box of top, bottom, left and right grows to fill a room of height and width."""
    top, bottom, left, right = box
    return min(room[0] / max(bottom - top, least), room[1] / (right - left))


def enlarge(grey: Tensor, height: int) -> Tensor:
    """Scale pictures [.., C, H, W] to ``height`` pixels; from twice that, grey ones by outlines."""
    rows, columns = grey.shape[-2:]
    if height == rows:
        return grey
    if height >= CRISP * rows and grey.shape[-3] == 1:
        from gan.digits.outline import rasterise, trace  # imports SciPy, which small pictures need not wait for

        drawn = [rasterise(trace(one), rows, columns, height / rows) for one in grey.flatten(0, -3)]
        return torch.stack(drawn).view(*grey.shape[:-2], height, -1)
    width = max(1, round(columns * height / rows))
    resized = interpolate(grey.reshape(-1, 1, rows, columns).float(), (height, width), mode="bicubic", antialias=True)
    return resized.clamp(-1, 1).view(*grey.shape[:-2], height, width)


def _colour(grey: Tensor, look: Look, seed: int) -> Tensor:
    """Bytes [1, 3 or 4, H, W] of a grey picture [1, H, W] at its own size."""
    if look.grey:
        return to_uint8(grey)
    height, width = grey.shape[1:]
    top, bottom, left, right = _ink_box(grey)
    is_down = look.direction == "down"
    first, last, length = (top, bottom, height) if is_down else (left, right, width)
    position = (torch.arange(length) + 0.5).view((-1, 1, 1) if is_down else (1, -1, 1))
    ink = blend(look.ink, ((position - first) / (last - first)).clamp(0, 1)).movedim(-1, 0)  # [4, H, 1] or [4, 1, W]
    paper, line = (blend(colours, position / length).movedim(-1, 0) for colours in (look.paper, look.line))

    cover = grey[0].float().add(1).div_(2).clamp_(0, 1)  # [H, W]
    source, ruled, lighter = torch.Generator().manual_seed(seed), None, None
    if look.texture in ("ruled", "squared"):
        ruled = ruling(height, width, look.texture == "squared")
    elif look.texture == "grain":
        lighter = grain(source, height, width)
    elif look.texture == "chalk":
        lighter = board(source, height, width)
        cover = chalk(source, cover, _tallest(grey))

    channels = 3 if all(end[3] == 255 for end in parse_gradient(look.paper)) else 4
    painted = torch.empty(channels, height, width, dtype=torch.uint8)
    for rows in bands(height, width):
        inked, under, lines = (part[:, rows] if is_down else part for part in (ink, paper, line))
        if ruled is not None:
            under = over(lines * ruled[rows], under, dim=0)
        elif lighter is not None:
            under = _lighten(under, lighter[rows])
        painted[:, rows] = _mix(inked, cover[rows], under)[:channels].mul_(255).round_().to(torch.uint8)
    return painted


def _mix(ink: Tensor, cover: Tensor, paper: Tensor) -> Tensor:
    """Colour and opacity [4, H, W] of layers: ink, where it covers [H, W], over paper."""
    both = over(ink * cover, paper, dim=0)
    opacity = both[3:]
    # Empty pixels get the ink's colour: programs that scale would mix black into edges.
    straight = torch.where(opacity > 1e-3, both[:3] / opacity.clamp(min=1e-3), ink[:3] / ink[3:].clamp(min=1e-3))
    return torch.cat((straight, opacity)).clamp_(0, 1)


def _ink_box(grey: Tensor) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of the ink of [1, H, W], or of the picture without ink."""
    inked = grey[0] > 2 * FAINTEST - 1
    rows, columns = (inked.any(dim).nonzero().flatten().tolist() for dim in (1, 0))
    return (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1) if rows else (0, grey.shape[1], 0, grey.shape[2])


def _tallest(grey: Tensor) -> int:
    """The most inked rows of [1, H, W] in a run: the height of a line, or of digits in a grid."""
    inked = (grey[0] > 2 * FAINTEST - 1).any(1).tolist()
    return max((len(list(run)) for has_ink, run in groupby(inked) if has_ink), default=len(inked))


def _lighten(paper: Tensor, much: Tensor) -> Tensor:
    """Lighten paper [4, H or 1, W or 1] by [H, W], within its opacity: [4, H, W]."""
    lighter = (paper[:3] + much * paper[3:]).clamp(min=0).minimum(paper[3:])
    return torch.cat((lighter, paper[3:].expand(-1, *much.shape)))
