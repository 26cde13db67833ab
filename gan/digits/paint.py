"""Grey digits in colour: ink, paper, textures, sizes, contrast.

A grey picture is floats [1, H, W] in [-1, 1]: -1 is paper, 1 is full ink.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

import torch
from PIL import ImageColor
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d, pad

from gan.digits.texture import blur, board, chalk, grain, ruling, smoothstep

Colour = tuple[int, int, int, int]  # red, green, blue, opacity: bytes
TEXTURES = ("none", "grain", "ruled", "squared", "chalk")
DIRECTIONS = ("down", "right")
SIZES = {"square": (1080, 1080), "card": (1200, 675), "story": (1080, 1920)}  # width, height in pixels
LARGEST = 4096  # pixels of a side; painting that many takes some 2 GB
READABLE = 3.0  # contrast of large figures and of graphics (WCAG 2.2, 1.4.3 and 1.4.11, AA)
FAINTEST = 0.22  # ink that is meant: generators leave specks of less


def colour(word: str) -> Colour:
    """Bytes of ``#rrggbb``, ``#rgb``, ``#rrggbbaa``, a CSS name or ``transparent``. Raises ValueError for another word."""
    if word == "transparent":
        return 0, 0, 0, 0
    try:
        red, green, blue, opacity = (*ImageColor.getrgb(word), 255)[:4]
    except (ValueError, TypeError, AttributeError):  # a word of YAML may be a number
        allowed = "#rrggbb, #rgb, #rrggbbaa, a CSS name such as navy, transparent, or two of them as navy-#f80"
        raise ValueError(f"{word!r} is no colour: allowed are {allowed}") from None
    return red, green, blue, opacity


def gradient(word: str) -> tuple[Colour, Colour]:
    """Both ends of ``navy-#f80``; one colour is both. Raises ValueError as :func:`colour` does."""
    first, dash, last = word.partition("-") if isinstance(word, str) else (word, "", "")
    return colour(first), colour(last if dash else first)


def contrast(ink: Colour, paper: Colour) -> float:
    """The contrast ratio, 1 to 21, of WCAG 2.2 (w3.org/TR/WCAG22, "contrast ratio" and "relative luminance").

    Translucent paper lies on white and on black, the worse counts; translucent ink lies on that paper.
    """
    return _worst(_layer(ink)[None], _layer(paper)[None])


def size(word: str) -> tuple[int, int]:
    """Width and height in pixels of ``square``, ``card``, ``story`` or ``640x480``. Raises ValueError for another word."""
    if word in SIZES:
        return SIZES[word]
    if sides := re.fullmatch(r"(\d{1,5})x(\d{1,5})", word):
        width, height = int(sides[1]), int(sides[2])
        if min(width, height) >= 16 and max(width, height) <= LARGEST:
            return width, height
    raise ValueError(f"{word!r} is no size: allowed are {', '.join(SIZES)}, or as 640x480, from 16 to {LARGEST} pixels a side")


@dataclass(frozen=True)
class Look:
    """How digits look. Raises ValueError for what is impossible or has too little contrast.

    These are the words of ``conf/preset/``, whose files have two more, of which digits are painted: ``certain`` (those alone
    that the classifier reads with certainty) and ``style`` (how they are written).
    """

    ink: str = "white"  # a colour, or two as navy-#f80 for a gradient across the ink
    paper: str = "black"  # a colour, two, or transparent
    direction: str = "down"  # in which gradients go, or right
    texture: str = "none"  # grain, ruled and squared of the paper; chalk of the ink on a wiped board
    line: str = "#9dbbe0"  # colour of ruled and squared
    height: int | None = None  # pixels to enlarge to; None: as many as the picture has
    minimum_contrast: float = 1.0

    def __post_init__(self) -> None:
        for name, allowed in (("direction", DIRECTIONS), ("texture", TEXTURES)):
            if (found := getattr(self, name)) not in allowed:
                raise ValueError(f"look.{name} must be one of {', '.join(allowed)}, got {found}")
        for name in ("ink", "paper", "line"):
            try:
                gradient(getattr(self, name))
            except ValueError as error:
                raise ValueError(f"look.{name}: {error}") from None
        if self.height is not None and not (isinstance(self.height, int) and 1 <= self.height <= LARGEST):
            raise ValueError(f"look.height must be a whole number of pixels from 1 to {LARGEST}, or null, got {self.height}")
        if not (isinstance(self.minimum_contrast, int | float) and 1 <= self.minimum_contrast <= 21):
            raise ValueError(f"look.minimum_contrast must be in [1, 21], got {self.minimum_contrast}")
        if self.contrast < self.minimum_contrast:
            raise ValueError(
                f"ink {self.ink} on paper {self.paper} has a contrast of {int(self.contrast * 100) / 100:g}, less than the "
                f"{self.minimum_contrast:g} that look.minimum_contrast asks for: {self._remedy()}"
            )

    def _remedy(self) -> str:
        if gradient(self.paper)[0][3] < 255:
            return "choose an opaque paper, since transparent paper may lie on white or on black"
        ink, paper = (float(_luminance(_layer(gradient(word)[0])[:3])) for word in (self.ink, self.paper))
        return "choose a darker ink or lighter paper" if ink < paper else "choose a lighter ink or darker paper"

    @property
    def contrast(self) -> float:
        """The worst of all along the gradients, lines on the paper included; grain and chalk are not."""
        along = torch.linspace(0, 1, 17, dtype=torch.float64)[:, None]
        inks, papers = (_blend(word, along) for word in (self.ink, self.paper))
        if self.texture in ("ruled", "squared"):
            papers = torch.cat((papers, _over(_blend(self.line, along), papers)))
        return _worst(inks, papers)


def paint(grey: Tensor, look: Look, seed: int = 0) -> Tensor:
    """Colour grey pictures [1, H, W] or [N, 1, H, W]: bytes [.., 3, H, W], or [.., 4, H, W] where the paper is not opaque.

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
    """The ink of a grey picture [1, H, W] as large as fits in the middle of a paper: bytes [3 or 4, height, width], and where.

    ``margin``: the share of the shorter side that stays free on each side; ``look.height`` has no say here.
    """
    top, bottom, left, right = _box(grey)
    free = 2 * margin * min(width, height)
    tall = max(bottom - top, grey.shape[1] / 2)  # so that a speck stays one
    scale = min((height - free) / tall, (width - free) / (right - left))
    around = 3  # pixels, so that strokes at the border end as others do
    inked = pad(grey[:, top:bottom, left:right], (around,) * 4, value=-1.0)
    large = enlarge(inked, max(1, round(inked.shape[1] * scale)))
    spare_x, spare_y = width - large.shape[2], height - large.shape[1]  # below 0 it is cropped, of the empty border alone
    sides = (spare_x // 2, spare_x - spare_x // 2, spare_y // 2, spare_y - spare_y // 2)
    scale = large.shape[1] / inked.shape[1]
    place = Place(scale, sides[0] + (around - left) * scale, sides[2] + (around - top) * scale)
    return _painted(pad(large, sides, value=-1.0), look, seed), place


def enlarge(grey: Tensor, height: int) -> Tensor:
    """Grey pictures [1, H, W] or [N, 1, H, W] of ``height`` pixels; from twice as many on crisp, with edges one pixel soft.

    The edge is where ink falls to 0.55 of the strongest nearby, so that thin and faint strokes stay. A blur of 0.7 pixels
    goes before, which takes the pixels' stairs from it; 0.55 gives back the weight of strokes that the blur adds.
    """
    wide = (height, max(1, round(grey.shape[-1] * height / grey.shape[-2])))
    ink = ((grey.reshape(-1, 1, *grey.shape[-2:]).float() + 1) / 2).clamp(0, 1)
    if height < 2 * grey.shape[-2]:
        resized = interpolate(ink, wide, mode="bicubic", antialias=True) if height != grey.shape[-2] else ink
        return (resized.clamp(0, 1) * 2 - 1).view(*grey.shape[:-2], *wide)
    ink = blur(ink, 0.7)
    strongest = blur(max_pool2d(ink, 5, 1, 2), 1.0)
    above = interpolate(ink - (0.55 * strongest).clamp(min=FAINTEST), wide, mode="bicubic", antialias=True)
    slope = sum(part.square() for part in torch.gradient(above, dim=(-2, -1)))
    pixels = above / torch.as_tensor(slope).sqrt().clamp(min=1e-6)  # inside the outline
    return (smoothstep(pixels / 1.5 + 0.5) * 2 - 1).view(*grey.shape[:-2], *wide)


def _painted(grey: Tensor, look: Look, seed: int) -> Tensor:
    """Bytes [3 or 4, H, W] of a grey picture [1, H, W] as large as it is."""
    cover = ((grey[0].float() + 1) / 2).clamp(0, 1)  # [H, W]
    height, width = cover.shape
    top, bottom, left, right = _box(grey)
    down = look.direction == "down"
    first, last, whole = (top, bottom, height) if down else (left, right, width)
    place = (torch.arange(whole) + 0.5).view((-1, 1, 1) if down else (1, -1, 1)).expand(height, width, 1)
    ink = _blend(look.ink, ((place - first) / (last - first)).clamp(0, 1)).movedim(-1, 0)  # [4, H, W]
    paper = _blend(look.paper, place / whole).movedim(-1, 0)
    source = torch.Generator().manual_seed(seed)
    if look.texture in ("ruled", "squared"):
        line = _blend(look.line, place / whole).movedim(-1, 0)
        paper = _over(line * ruling(height, width, look.texture == "squared"), paper, dim=0)
    elif look.texture == "grain":
        paper = _lighter(paper, grain(source, height, width))
    elif look.texture == "chalk":
        paper = _lighter(paper, board(source, height, width))
        cover = chalk(source, cover, bottom - top)
    both = _over(ink * cover, paper, dim=0)
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


def _layer(found: Colour) -> Tensor:
    """A colour as float64 [4] in [0, 1], red, green and blue times opacity: so that layers mix without fringes."""
    straight = torch.tensor(found, dtype=torch.float64) / 255
    return torch.cat((straight[:3] * straight[3], straight[3:]))


def _blend(word: str, along: Tensor) -> Tensor:
    """The gradient ``word`` at ``along`` [.., 1] in [0, 1]: [.., 4]. In sRGB, as SVG and CSS have it."""
    first, last = (_layer(end).to(along.dtype) for end in gradient(word))
    return first + (last - first) * along


def _over(front: Tensor, back: Tensor, dim: int = -1) -> Tensor:
    """Layers upon one another (Porter & Duff 1984, "over"); their opacity is the last along ``dim``."""
    return front + back * (1 - front.narrow(dim, 3, 1))


def _luminance(srgb: Tensor) -> Tensor:
    """Relative luminance [..] in [0, 1] of [.., 3] in [0, 1] (WCAG 2.2)."""
    linear = torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return linear @ torch.tensor([0.2126, 0.7152, 0.0722], dtype=srgb.dtype)


def _worst(inks: Tensor, papers: Tensor) -> float:
    """The least contrast of any of ``inks`` [n, 4] on any of ``papers`` [m, 4]."""
    ground = torch.tensor([[0, 0, 0, 1], [1, 1, 1, 1]], dtype=inks.dtype)
    under = _over(papers[:, None], ground)  # [m, 2, 4]
    both = _luminance(torch.stack(torch.broadcast_tensors(_over(inks[:, None, None], under), under))[..., :3])
    return float(((both.amax(0) + 0.05) / (both.amin(0) + 0.05)).min())


def _lighter(paper: Tensor, much: Tensor) -> Tensor:
    """Paper [4, H, W] made lighter by [H, W], within its opacity."""
    return torch.cat(((paper[:3] + much * paper[3:]).clamp(min=0).minimum(paper[3:]), paper[3:]))
