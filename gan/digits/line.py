"""Lines of digits: drawn in one hand or in many, and checked by a classifier."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import torch
from torch import Tensor

from gan import sample
from gan.digits import attribute
from gan.digits.clean import is_clean, remove_specks
from gan.digits.files import AnnotatedLine
from gan.digits.layout import Box, Layout, compose, to_cells
from gan.digits.look import Look, load_preset
from gan.digits.paint import CRISP
from gan.digits.picture import Picture, Text
from gan.digits.preset import validate_truncation
from gan.digits.style import Axes, Style
from gan.error import UserError
from gan.metric.feature import Frozen
from gan.network import Generator
from gan.validate import boolean, from_mapping, number

MARGINS = 4  # of a layout that are the shorter side of a paper
BEYOND = 0.4  # of the line's pixels: outlines reach at most 0.38 beyond the ink
ATTEMPTS = 8  # at a digit that is misread or not clean
LOOSER = 0.25  # variation that each attempt adds, so a hand that cannot write a 4 borrows another
KEPT = [0, 1]  # attributes that a hand keeps: thickness and slant
HAND = [attribute.NAMES[i] for i in KEPT]  # not the width: a 1 as wide as somebody's 5 would be torn
FIRST_SEED = 4 * sample.SEEDS  # of digits in lines
OTHER_SEED = 16 * sample.SEEDS  # between the attempts at a digit
UNREAD = "nothing reads these digits, so that none is certain: choose a reader, or leave certain out"
CHUNK = 4_000  # digits drawn together
StyleLike = Style | Mapping[str, float] | None


@dataclass(frozen=True, eq=False, repr=False)
class Line:
    """A picture of a text, with the box of each character."""

    image: Tensor  # [1, H, W] in [-1, 1]
    text: str
    boxes: list[Box]
    seed: int
    redrawn: int = 0  # digits that took more than one attempt
    unread: int = 0  # digits that no attempt got right
    origin: Text = field(default_factory=dict)  # for files: recipe, generator, licence
    margin: float = Layout.margin
    look: Look = field(default_factory=Look)

    def __repr__(self) -> str:
        return f"Line({self.text!r}, seed={self.seed}, {self.image.shape[2]}x{self.image.shape[1]})"

    def picture(
        self, look: Look | str | None = None, text: Text | None = None, size: str | tuple[int, int] | None = None
    ) -> Picture:
        """The line in ``look``; None: its own. ``text`` is more metadata. UserError for others."""
        look = load_preset(self.look if look is None else look)
        name = f"Handwritten {self.text}"
        about = {"Title": name, "Description": f"{name}, {look.ink} on {look.paper}", "Seed": str(self.seed)}
        about |= {"Label": self.text, **self.origin, **(text or {})}
        return Picture(self.image, look, about, size, self.seed, self.margin / MARGINS)

    def save(self, path: Path | str, overwrite: bool = False) -> None:
        """Write its :meth:`picture`, as :meth:`gan.digits.picture.Picture.save` does."""
        self.picture().save(path, overwrite)

    def _repr_png_(self) -> bytes:
        return self.picture()._repr_png_()

    def annotate(self, picture: Picture) -> AnnotatedLine:
        """The bytes of a :meth:`picture` of the line, and the boxes on it."""
        painted, (scale, right, down) = picture.placed
        height, width = painted.shape[1:]
        beyond = BEYOND if scale >= CRISP else 0.0
        boxes = []
        for box in self.boxes:
            x, wide = _scale_side(box.x - beyond, box.x + box.width + beyond, scale, right, width)
            y, tall = _scale_side(box.y - beyond, box.y + box.height + beyond, scale, down, height)
            boxes.append((box.character, (x, y, wide, tall)))
        return AnnotatedLine(painted, self.text, boxes)


def _scale_side(first: float, last: float, scale: float, offset: float, end: int) -> tuple[float, float]:
    """Start and length of a box's side on the painted picture, to a hundredth, within [0, end]."""
    near = max(round(first * scale + offset, 2), 0.0)
    far = min(round(last * scale + offset, 2), float(end))
    start, length = (int(side) if side == int(side) else round(side, 2) for side in (near, far - near))
    return start, length


class Settings(TypedDict, total=False):
    """How a pen writes, see :meth:`gan.lab.Lab.lines`; ``own`` is the latent [D] of its hand."""

    style: StyleLike
    mixed: bool
    variation: float
    certainty: float
    truncation: float
    clean: bool
    look: Look | str
    preset: str
    own: Tensor


@dataclass(eq=False, repr=False)
class Pen:
    """A generator that writes. Raises UserError out of range; for certainty, without a reader."""

    generator: Generator
    axes: Axes  # steer it
    reader: Frozen | None = None  # the classifier that checks each digit
    style: Style = field(default_factory=Style)  # of every digit
    mixed: bool = False  # each digit in a hand of its own
    variation: float = 0.3  # how much the digits of one hand differ, in [0, 1]
    certainty: float = 0.0  # digits with a lower probability of their class count as misread
    truncation: float = 1.0  # of what seeds draw, and so not of an own hand
    clean: Mapping[int, int] = field(default_factory=dict)  # the digits of classes that must be clean
    own: Tensor | None = None  # latent [D] of the hand of all lines; None: one for each line
    origin: Text = field(default_factory=dict)
    labels: Mapping[int, int] = field(default_factory=lambda: {one: one for one in range(10)})  # of each digit
    look: Look = field(default_factory=Look)  # of its lines

    def __post_init__(self) -> None:
        self.style = from_mapping(Style, "style", self.style)
        self.mixed = boolean("mixed", self.mixed)
        self.variation = number("variation", self.variation, 0, 1)
        self.certainty = number("certainty", self.certainty, 0, 1)
        self.truncation = validate_truncation(self.truncation)
        if self.certainty and self.reader is None:
            raise UserError(UNREAD)

    def hand_styles(self, z: Tensor) -> Tensor:
        """The style [N, 4] of the hands of latents [N, D]; what ``style`` sets wins."""
        return torch.where(self.style.held, self.style.wanted, self.axes.hand_style(z))

    def draw_digits(self, y: Tensor, hand: Tensor, seeds: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Images [N, 1, H, W] of labels in the hands of latents [N, D]; attempts [N]; read [N]."""
        style, held = self.hand_styles(hand), self.style.held
        if not self.mixed:
            held[KEPT] = True
        x, attempts, read = torch.empty(0), torch.zeros_like(y), torch.zeros_like(y, dtype=torch.bool)
        for attempt in range(ATTEMPTS):
            left = (~read).nonzero().flatten()
            apart = 1.0 if self.mixed else min(1.0, self.variation + LOOSER * attempt)
            z = self._latents(seeds[left] + attempt * OTHER_SEED)
            z = math.sqrt(1 - apart**2) * hand[left] + apart * z  # of unit variance, as both are
            drawn = self._draw(z, y[left], style[left], held)
            x = drawn if attempt == 0 else x.index_copy(0, left, drawn)
            attempts[left] += 1
            parts = zip(drawn.split(500), y[left].split(500), strict=True)
            read[left] = torch.cat([self._accept(*part) for part in parts])
            if read.all():
                break
        return x, attempts, read

    def _latents(self, seeds: Tensor) -> Tensor:
        return self.truncation * sample.latents(seeds, self.generator.latent)

    def _accept(self, x: Tensor, y: Tensor) -> Tensor:
        """Which images are read as asked and clean, bool [N]; all, if neither is checked."""
        accepted = torch.ones_like(y, dtype=torch.bool)
        if self.clean:
            accepted = is_clean(x, [self.clean[label] for label in y.tolist()])
        if self.reader is not None:
            chances = self.reader(x)[1].softmax(1)
            accepted &= (chances.argmax(1) == y) & (chances.amax(1) >= self.certainty)
        return accepted

    def _draw(self, z: Tensor, y: Tensor, style: Tensor, held: Tensor) -> Tensor:
        drawn = []
        for some in torch.arange(len(y)).split(500):
            [x] = sample.images(self.generator, self.axes.steer(z[some], y[some], style[some], held), y[some])
            x = self.axes.finish(x, y[some], self.style.wanted, self.style.held)
            drawn.append(remove_specks(x) if self.clean else x)
        return torch.cat(drawn)

    def write(self, texts: Sequence[str], first_seed: int = 0, layout: Layout | None = None) -> Iterator[Line]:
        """Yield a line for each text; text i has the seed ``first_seed + i``."""
        per_chunk = max(1, CHUNK // max(map(len, texts), default=1))
        for start in range(0, len(texts), per_chunk):
            some = texts[start : start + per_chunk]
            yield from self._write_chunk(some, torch.arange(len(some)) + first_seed + start, layout or Layout())

    def _write_chunk(self, texts: Sequence[str], seeds: Tensor, layout: Layout) -> Iterator[Line]:
        hands = self._latents(seeds) if self.own is None else self.own.expand(len(seeds), -1)
        where = [(i, place) for i, text in enumerate(texts) for place, one in enumerate(text) if one.isdigit()]
        owner, place = torch.tensor(where, dtype=torch.long).view(-1, 2).T
        y = torch.tensor([self.labels[int(texts[i][at])] for i, at in where], dtype=torch.long)
        x, attempts, read = torch.empty(0, 1, 28, 28), y, y.bool()
        if len(y):
            x, attempts, read = self.draw_digits(y, hands[owner], FIRST_SEED + seeds[owner] * 2**10 + place)
        styles, first = self.hand_styles(hands), 0
        mean, std = (part[:, :2].mean(0) for part in (self.axes.mean, self.axes.std))
        for i, text in enumerate(texts):
            mine = slice(first, first + sum(map(str.isdigit, text)))
            thickness, slant = (mean + std * styles[i, :2]).tolist()
            thickness *= layout.height / x.shape[-1]
            source = torch.Generator().manual_seed(int(seeds[i]))
            image, boxes = compose(text, to_cells(x[mine], layout), layout, source, thickness, slant)
            redrawn, unread = int((attempts[mine] > 1).sum()), int((~read[mine]).sum())
            yield Line(image, text, boxes, int(seeds[i]), redrawn, unread, self.origin, layout.margin, self.look)
            first = mine.stop
