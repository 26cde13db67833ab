"""How digits look: the colours of ink and paper, gradients, textures, contrast, the sizes of paper."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from PIL import ImageColor
from torch import Tensor

from gan.digits.given import real, whole

Colour = tuple[int, int, int, int]  # red, green, blue, opacity: bytes
TEXTURES = ("none", "grain", "ruled", "squared", "chalk")
DIRECTIONS = ("down", "right")
SIZES = {"square": (1080, 1080), "card": (1200, 675), "story": (1080, 1920)}  # width, height in pixels
LARGEST = 4096  # pixels of a side; painting that many takes some 2 GB
PRESETS = Path(__file__).parents[2] / "conf" / "preset"
READABLE = 3.0  # contrast of large figures and of graphics (WCAG 2.2, 1.4.3 and 1.4.11, AA)


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
    return _worst(layer(ink)[None], layer(paper)[None])


def size(word: str | Sequence[int]) -> tuple[int, int]:
    """Width and height in pixels of ``square``, ``card``, ``story``, ``640x480`` or (640, 480). Raises ValueError else."""
    if isinstance(word, str) and word in SIZES:
        return SIZES[word]
    try:
        width, height = map(int, re.findall(r"\A(\d{1,5})x(\d{1,5})\Z", word)[0]) if isinstance(word, str) else word
        return whole("width", width, 16, LARGEST), whole("height", height, 16, LARGEST)
    except (ValueError, TypeError, IndexError):
        allowed = f"{', '.join(SIZES)}, or as 640x480, from 16 to {LARGEST} pixels a side"
        raise ValueError(f"{word!r} is no size: allowed are {allowed}") from None


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
    height: int | None = None  # pixels to enlarge a digit or a line to; None: as many as it has
    minimum_contrast: float = 1.0

    def __post_init__(self) -> None:
        for name, allowed in (("direction", DIRECTIONS), ("texture", TEXTURES)):
            if (found := getattr(self, name)) not in allowed:
                raise ValueError(f"look.{name} must be one of {', '.join(allowed)}, got {found!r}")
        for name in ("ink", "paper", "line"):
            try:
                gradient(getattr(self, name))
            except ValueError as error:
                raise ValueError(f"look.{name}: {error}") from None
        if self.height is not None:
            object.__setattr__(self, "height", whole("look.height", self.height, 1, LARGEST))
        object.__setattr__(self, "minimum_contrast", real("look.minimum_contrast", self.minimum_contrast, 1, 21))
        if self.contrast < self.minimum_contrast:
            raise ValueError(
                f"ink {self.ink} on paper {self.paper} has a contrast of {int(self.contrast * 100) / 100:g}, less than the "
                f"{self.minimum_contrast:g} that look.minimum_contrast asks for: {self._remedy()}"
            )

    def _remedy(self) -> str:
        if gradient(self.paper)[0][3] < 255:
            return "choose an opaque paper, since transparent paper may lie on white or on black"
        ink, paper = (float(_luminance(layer(gradient(word)[0])[:3])) for word in (self.ink, self.paper))
        return "choose a darker ink or lighter paper" if ink < paper else "choose a lighter ink or darker paper"

    @property
    def grey(self) -> bool:
        """Whether it leaves digits in the generator's own grey, white on black, whatever their size."""
        return (self.ink, self.paper, self.texture) == ("white", "black", "none")

    @property
    def contrast(self) -> float:
        """The worst of all along the gradients, lines on the paper included; grain and chalk are not."""
        along = torch.linspace(0, 1, 17, dtype=torch.float64)[:, None]
        inks, papers = (blend(word, along) for word in (self.ink, self.paper))
        if self.texture in ("ruled", "squared"):
            papers = torch.cat((papers, over(blend(self.line, along), papers)))
        return _worst(inks, papers)


def preset(look: Look | str) -> Look:
    """``look`` itself, or that of ``conf/preset/NAME.yaml``, without its other words. Raises ValueError for another name."""
    if isinstance(look, Look):
        return look
    names = sorted(path.stem for path in PRESETS.glob("*.yaml"))
    if look not in names:
        raise ValueError(f"look must be a Look or one of {', '.join(names)}, got {look!r}")
    return Look(**yaml.safe_load((PRESETS / f"{look}.yaml").read_text())["look"])  # what it leaves out is plain


def layer(found: Colour) -> Tensor:
    """A colour as float64 [4] in [0, 1], red, green and blue times opacity: so that layers mix without fringes."""
    straight = torch.tensor(found, dtype=torch.float64) / 255
    return torch.cat((straight[:3] * straight[3], straight[3:]))


def blend(word: str, along: Tensor) -> Tensor:
    """The gradient ``word`` at ``along`` [.., 1] in [0, 1]: [.., 4]. In sRGB, as CSS has it."""
    first, last = (layer(end).to(along.dtype) for end in gradient(word))
    return first + (last - first) * along


def over(front: Tensor, back: Tensor, dim: int = -1) -> Tensor:
    """Layers upon one another (Porter & Duff 1984, "over"); their opacity is the last along ``dim``."""
    return front + back * (1 - front.narrow(dim, 3, 1))


def _luminance(srgb: Tensor) -> Tensor:
    """Relative luminance [..] in [0, 1] of [.., 3] in [0, 1] (WCAG 2.2)."""
    linear = torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return linear @ torch.tensor([0.2126, 0.7152, 0.0722], dtype=srgb.dtype)


def _worst(inks: Tensor, papers: Tensor) -> float:
    """The least contrast of any of ``inks`` [n, 4] on any of ``papers`` [m, 4]."""
    ground = torch.tensor([[0, 0, 0, 1], [1, 1, 1, 1]], dtype=inks.dtype)
    under = over(papers[:, None], ground)  # [m, 2, 4]
    both = _luminance(torch.stack(torch.broadcast_tensors(over(inks[:, None, None], under), under))[..., :3])
    return float(((both.amax(0) + 0.05) / (both.amin(0) + 0.05)).min())
