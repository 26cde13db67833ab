"""Grey digits in colour, enlarged, on a larger paper.

A grey picture is floats [1, H, W] in [-1, 1]: -1 is paper, 1 is full ink.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from gan.digits.look import Look, blend, gradient, over
from gan.digits.outline import rasterise, trace
from gan.digits.texture import board, chalk, grain, ruling
from gan.image import to_uint8

CRISP = 2  # times as large, from where on outlines are drawn
SMALLEST = 5  # pixels of a line of digits on a paper; less shows nothing
FAINTEST = 0.22  # ink that is meant: generators leave specks of less


def paint(grey: Tensor, look: Look, seed: int = 0) -> Tensor:
    """Colour grey pictures [1, H, W] or [N, 1, H, W]: bytes [.., 3, H, W], [.., 4, H, W] where the paper is
    not opaque, [.., 1, H, W] where the look is grey.

    ``look.height`` enlarges them first. Picture i's texture depends on ``seed + i`` alone; a film, whose paper must stay, is
    painted frame by frame with one seed. Ink is mixed with paper in sRGB, as browsers mix an SVG's edges: so the generator's
    grey is kept to the byte where ink is white on black, and strokes have the same weight in dark on light as in light on
    dark, which linear light would not give them.
    """
    if grey.ndim == 4:
        return torch.stack([paint(one, look, seed + i) for i, one in enumerate(grey)])
    return _painted(enlarge(grey, look.height) if look.height else grey, look, seed)


class Place(NamedTuple):
    """Where a picture comes to lie: its pixel (x, y) at (x * scale + right, y * scale + down)."""

    scale: float
    right: float
    down: float


def canvas(grey: Tensor, width: int, height: int, look: Look, seed: int = 0, margin: float = 0.14) -> tuple[Tensor, Place]:
    """The ink of a grey picture [1, H, W] as large as fits in the middle of a paper: bytes [1, 3 or 4, height, width]; where.

    ``margin``: the share of the shorter side that stays free on each side; ``look.height`` has no say here. Raises ValueError
    where the paper is too small.
    """
    top, bottom, left, right = _box(grey)
    free = 2 * margin * min(width, height)
    tall = max(bottom - top, grey.shape[1] / 2)  # so that a speck stays one
    scale = min((height - free) / tall, (width - free) / (right - left))
    around = 3  # pixels, so that strokes at the border end as others do
    inked = pad(grey[:, top:bottom, left:right], (around,) * 4, value=-1.0)
    if tall * scale < SMALLEST:
        raise ValueError(
            f"{width}x{height} pixels are too few for what is to be on them: choose a larger size or a shorter text"
        )
    large = enlarge(inked, math.floor(inked.shape[1] * scale))
    spare_x, spare_y = width - large.shape[2], height - large.shape[1]  # below 0 it is cropped, of the empty border alone
    sides = (spare_x // 2, spare_x - spare_x // 2, spare_y // 2, spare_y - spare_y // 2)
    scale = large.shape[1] / inked.shape[1]
    place = Place(scale, sides[0] + (around - left) * scale, sides[2] + (around - top) * scale)
    return _painted(pad(large, sides, value=-1.0), look, seed), place


def enlarge(grey: Tensor, height: int) -> Tensor:
    """Grey pictures [1, H, W] or [N, 1, H, W] of ``height`` pixels; from twice as many on their outlines are drawn, crisp."""
    if height == grey.shape[-2]:
        return grey
    if height >= CRISP * grey.shape[-2]:
        rows, columns = grey.shape[-2:]
        drawn = [rasterise(trace(one), rows, columns, height / rows) for one in grey.flatten(0, -3)]
        return torch.stack(drawn).view(*grey.shape[:-2], height, -1)
    width = max(1, round(grey.shape[-1] * height / grey.shape[-2]))
    resized = interpolate(grey.reshape(-1, 1, *grey.shape[-2:]).float(), (height, width), mode="bicubic", antialias=True)
    return resized.clamp(-1, 1).view(*grey.shape[:-2], height, width)


def _painted(grey: Tensor, look: Look, seed: int) -> Tensor:
    """Bytes [1, 3 or 4, H, W] of a grey picture [1, H, W] as large as it is."""
    if look.grey:
        return to_uint8(grey)
    cover = ((grey[0].float() + 1) / 2).clamp(0, 1)  # [H, W]
    height, width = cover.shape
    top, bottom, left, right = _box(grey)
    down = look.direction == "down"
    first, last, whole = (top, bottom, height) if down else (left, right, width)
    place = (torch.arange(whole) + 0.5).view((-1, 1, 1) if down else (1, -1, 1)).expand(height, width, 1)
    ink = blend(look.ink, ((place - first) / (last - first)).clamp(0, 1)).movedim(-1, 0)  # [4, H, W]
    paper = blend(look.paper, place / whole).movedim(-1, 0)
    source = torch.Generator().manual_seed(seed)
    if look.texture in ("ruled", "squared"):
        line = blend(look.line, place / whole).movedim(-1, 0)
        paper = over(line * ruling(height, width, look.texture == "squared"), paper, dim=0)
    elif look.texture == "grain":
        paper = _lighter(paper, grain(source, height, width))
    elif look.texture == "chalk":
        paper = _lighter(paper, board(source, height, width))
        cover = chalk(source, cover, bottom - top)
    both = over(ink * cover, paper, dim=0)
    opacity = both[3:]
    # Where nothing is, the ink's colour: a program that scales the picture would mix black into its edges.
    straight = torch.where(opacity > 1e-3, both[:3] / opacity.clamp(min=1e-3), ink[:3] / ink[3:].clamp(min=1e-3))
    opaque = all(end[3] == 255 for end in gradient(look.paper))
    return (straight if opaque else torch.cat((straight, opacity))).clamp(0, 1).mul(255).round().to(torch.uint8)


def _box(grey: Tensor) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of the ink of [1, H, W], or of the whole where there is none."""
    inked = grey[0] > 2 * FAINTEST - 1
    rows, columns = (inked.any(dim).nonzero().flatten().tolist() for dim in (1, 0))
    return (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1) if rows else (0, grey.shape[1], 0, grey.shape[2])


def _lighter(paper: Tensor, much: Tensor) -> Tensor:
    """Paper [4, H, W] made lighter by [H, W], within its opacity."""
    return torch.cat(((paper[:3] + much * paper[3:]).clamp(min=0).minimum(paper[3:]), paper[3:]))
