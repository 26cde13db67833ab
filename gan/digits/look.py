"""How digits look: the colours of ink and paper, gradients, textures, contrast, sizes of paper."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import yaml
from PIL import ImageColor
from torch import Tensor

from gan.error import UserError
from gan.file import CONF
from gan.validate import integer, number

Colour = tuple[int, int, int, int]  # red, green, blue, opacity: bytes
TEXTURES = ("none", "grain", "ruled", "squared", "chalk")
SIZES = {"square": (1080, 1080), "portrait": (1080, 1350), "story": (1080, 1920), "card": (1200, 675)}  # in pixels
LARGEST = 4096  # pixels of a side
MOST = LARGEST**2  # pixels of a picture; painting that many takes up to 500 MB
MOST_IN_SET = 10**6 * 28**2  # pixels of a set: a million digits of MNIST's size
PRESETS = CONF / "preset"
READABLE = 3.0  # contrast that large text and graphics need (WCAG 2.2, 1.4.3 and 1.4.11, AA)
COLOURS = "#rrggbb, #rgb, #rrggbbaa, a CSS name such as navy, transparent, or two of them as navy-#f80"


def parse_colour(text: str) -> Colour:
    """The bytes of one colour. Raises UserError, which names all forms, for another text."""
    if str(text).lower() == "transparent":
        return 0, 0, 0, 0
    try:
        red, green, blue, opacity = (*ImageColor.getrgb(text), 255)[:4]
        if not all(0 <= byte <= 255 for byte in (red, green, blue, opacity)):
            raise ValueError(text)
    except (ValueError, TypeError, AttributeError):  # YAML may give a number
        raise UserError(f"{text!r} is no colour: allowed are {COLOURS}") from None
    return red, green, blue, opacity


def parse_gradient(text: str) -> tuple[Colour, Colour]:
    """Both ends of ``navy-#f80``; a single colour is both. Raises as :func:`parse_colour`."""
    first, dash, last = text.partition("-") if isinstance(text, str) else (text, "", "")
    return parse_colour(first), parse_colour(last if dash else first)


def parse_size(size: str | Sequence[int]) -> tuple[int, int]:
    """Width and height of a key of :data:`SIZES`, ``640x480`` or (640, 480). Raises UserError."""
    if isinstance(size, str) and size in SIZES:
        return SIZES[size]
    try:
        width, height = map(int, re.findall(r"\A(\d{1,5})x(\d{1,5})\Z", size)[0]) if isinstance(size, str) else size
        return integer("width", width, 16, LARGEST), integer("height", height, 16, LARGEST)
    except (ValueError, TypeError, IndexError):
        allowed = f"{', '.join(SIZES)}, or as 640x480, from 16 to {LARGEST} pixels a side"
        raise UserError(f"{size!r} is no size: allowed are {allowed}") from None


def validate_area(height: int, width: int, remedy: str) -> None:
    """Raise UserError, with the remedy, for more pixels than a picture may have."""
    if height * width > MOST:
        raise UserError(f"{width:,}x{height:,} pixels are more than the {MOST:,} of a picture: {remedy}")


def validate_set(count: int, look: "Look") -> None:
    """Raise UserError if ``count`` digits in a look have more pixels than a set may have."""
    height = look.height or 0
    if count * height**2 > MOST_IN_SET:
        remedy = f"choose look.height={int((MOST_IN_SET / count) ** 0.5)} or less, or fewer digits"
        asked = f"{count:,} digits of {height}x{height} pixels"
        raise UserError(f"{asked} are more than the {MOST_IN_SET:,} pixels of a set: {remedy}")


@dataclass
class Look:
    """How digits look. Raises UserError for an impossible value or too little contrast."""

    ink: str = "white"  # a colour, or two as navy-#f80 for a gradient across the ink
    paper: str = "black"  # a colour, two, or transparent
    direction: str = "down"  # of gradients, or right
    texture: str = "none"  # grain, ruled or squared paper; chalk on a wiped board
    line: str = "#9dbbe0"  # colour of the lines of ruled and squared
    height: int | None = None  # pixels of a digit or a line; None: large in pictures; 0: as generated
    minimum_contrast: float = 1.0

    def __post_init__(self) -> None:
        for name, allowed in (("direction", ("down", "right")), ("texture", TEXTURES)):
            if getattr(self, name) not in allowed:
                raise UserError(f"look.{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        for name in ("ink", "paper", "line"):
            try:
                parse_gradient(getattr(self, name))
            except UserError as error:
                raise UserError(f"look.{name}: {error}") from None
        if self.height is not None:
            self.height = integer("look.height", self.height, 0, LARGEST)
        self.minimum_contrast = number("look.minimum_contrast", self.minimum_contrast, 1, 21)
        if self.contrast < self.minimum_contrast:
            raise UserError(
                f"ink {self.ink} on paper {self.paper} has a contrast of {int(self.contrast * 100) / 100:g}, less than "
                f"look.minimum_contrast={self.minimum_contrast:g}: {self._remedy()}"
            )

    def _remedy(self) -> str:
        if parse_gradient(self.paper)[0][3] < 255:
            return "choose an opaque paper, since transparent paper may lie on white or on black"
        ink, paper = (_luminance(to_layer(parse_gradient(colours)[0])[:3]) for colours in (self.ink, self.paper))
        return "choose a darker ink or lighter paper" if ink < paper else "choose a lighter ink or darker paper"

    @property
    def grey(self) -> bool:
        """Whether digits keep the generator's grey, white on black."""
        return (self.ink, self.paper, self.texture) == ("white", "black", "none")

    @property
    def contrast(self) -> float:
        """The lowest contrast along gradients and on lines of the paper, not on grain or chalk."""
        along = torch.linspace(0, 1, 17, dtype=torch.float64)[:, None]
        inks, papers = (blend(colours, along) for colours in (self.ink, self.paper))
        if self.texture in ("ruled", "squared"):
            papers = torch.cat((papers, over(blend(self.line, along), papers)))
        return contrast(inks, papers)


def load_preset(look: Look | str) -> Look:
    """A copy of ``look``, or the look of a preset's name. Raises UserError for other names."""
    if isinstance(look, Look):
        return replace(look)
    return Look(**read_preset(look, "look must be a Look or")["look"])


def read_preset(name: object, rule: str = "preset must be") -> dict[str, Any]:
    """What the file of a preset sets. Raises UserError, which begins with ``rule``, for others."""
    names = sorted(path.stem for path in PRESETS.glob("*.yaml"))
    if name not in names:
        raise UserError(f"{rule} one of {', '.join(names)}, got {name!r}")
    found: dict[str, Any] = yaml.safe_load((PRESETS / f"{name}.yaml").read_text())
    return {key: value for key, value in found.items() if key != "defaults"}


def to_layer(colour: Colour) -> Tensor:
    """A colour as float64 [4] in [0, 1] times its opacity, so that layers mix without fringes."""
    straight = torch.tensor(colour, dtype=torch.float64) / 255
    return torch.cat((straight[:3] * straight[3], straight[3:]))


def blend(colours: str, along: Tensor) -> Tensor:
    """The gradient at ``along`` [.., 1] in [0, 1], mixed in sRGB as in CSS: layers [.., 4]."""
    first, last = (to_layer(end).to(along.dtype) for end in parse_gradient(colours))
    return first + (last - first) * along


def over(front: Tensor, back: Tensor, dim: int = -1) -> Tensor:
    """One layer over another (Porter & Duff 1984); opacity is last along ``dim``."""
    return front + back * (1 - front.narrow(dim, 3, 1))


def _luminance(srgb: Tensor) -> Tensor:
    """Relative luminance [..] in [0, 1] of [.., 3] in [0, 1] (WCAG 2.2)."""
    linear = torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return linear @ torch.tensor([0.2126, 0.7152, 0.0722], dtype=srgb.dtype)


def contrast(inks: Tensor, papers: Tensor) -> float:
    """The lowest ratio, 1 to 21, of layers [n, 4] on [m, 4] on black or white (WCAG 2.2)."""
    ground = torch.tensor([[0, 0, 0, 1], [1, 1, 1, 1]], dtype=inks.dtype)
    under = over(papers[:, None], ground)  # [m, 2, 4]
    both = _luminance(torch.stack(torch.broadcast_tensors(over(inks[:, None, None], under), under))[..., :3])
    return float(((both.amax(0) + 0.05) / (both.amin(0) + 0.05)).min())
