"""Lines of digits: drawn by a generator in one hand or in many, and read back."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from gan import sample
from gan.digits import style
from gan.digits.files import Written
from gan.digits.given import flag, made, real
from gan.digits.layout import Box, Layout, compose, shape
from gan.digits.look import Look, preset
from gan.digits.paint import CRISP
from gan.digits.picture import PLAIN, Picture
from gan.digits.style import Axes, Style
from gan.metric.feature import Frozen
from gan.network import Generator

BEYOND = 0.4  # pixels of the line that crisp outlines reach beyond those of its ink; at most 0.38 was seen
ATTEMPTS = 8  # at a digit that is not read as asked
LOOSER = 0.25  # how much each attempt adds to the variation: a hand that cannot write a 4 borrows another's
KEPT = [0, 1]  # attributes that are a hand's: thickness and slant
FIRST_SEED = 4 * sample.SEEDS  # of digits in lines
OTHER_SEED = 16 * sample.SEEDS  # between the attempts at a digit
UNREAD = "nothing reads these digits, so that none is certain: choose a reader, or leave certain out"
CHUNK = 4_000  # digits drawn together


@dataclass(frozen=True, eq=False, repr=False)
class Line:
    """A picture [1, H, W] in [-1, 1] with what stands in it. ``redrawn`` digits took more than one attempt, ``unread`` all.

    ``origin`` goes into the files of its pictures: recipe, generator, licence.
    """

    image: Tensor
    text: str
    boxes: list[Box]
    seed: int
    redrawn: int = 0
    unread: int = 0
    origin: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Line({self.text!r}, seed={self.seed}, {self.image.shape[2]}x{self.image.shape[1]})"

    def picture(
        self, look: Look | str = PLAIN, text: Mapping[str, str] | None = None, size: str | tuple[int, int] | None = None
    ) -> Picture:
        """Itself as a picture in a look, or in that of a preset, with ``text`` to say of it beside what it knows.

        ``size``: a paper around it, see :class:`gan.digits.picture.Picture`. Raises ValueError for another look or size.
        """
        look = preset(look)
        name = f"Handwritten {self.text}"
        said = {"Title": name, "Description": f"{name}, {look.ink} on {look.paper}", "Seed": str(self.seed), "Label": self.text}
        return Picture(self.image, look, said | dict(self.origin) | dict(text or {}), size, self.seed)

    def save(self, path: Path | str, overwrite: bool = False) -> None:
        """Write its :meth:`picture` as :meth:`gan.digits.picture.Picture.save` does."""
        self.picture().save(path, overwrite)

    def _repr_png_(self) -> bytes:
        return self.picture()._repr_png_()

    def written(self, picture: Picture) -> Written:
        """What :meth:`picture` gave, as bytes, with the boxes where they lie on it."""
        painted, place = picture.placed
        beyond = BEYOND if place.scale >= CRISP else 0.0

        def moved(first: int, length: int, offset: float, end: int) -> tuple[float, float]:
            """Where a side begins and how long it is, within the picture: its own scale rounds, and box and picture apart."""
            near, far = (round(at * place.scale + offset, 2) for at in (first - beyond, first + length + beyond))
            near, far = max(near, 0.0), min(far, float(end))
            return _short(near), _short(far - near)

        def box_of(box: Box) -> tuple[float, float, float, float]:
            x, width = moved(box.x, box.width, place.right, painted.shape[2])
            y, height = moved(box.y, box.height, place.down, painted.shape[1])
            return x, y, width, height

        return Written(painted, self.text, [(box.character, box_of(box)) for box in self.boxes])


def _short(pixels: float) -> float:
    """Of hundredths of a pixel, a whole number where it is one."""
    return int(pixels) if pixels == int(pixels) else round(pixels, 2)


@dataclass(frozen=True, eq=False, repr=False)
class Pen:
    """A generator that writes: ``axes`` steer it and ``reader`` checks each digit, where there is one.

    ``mixed``: every digit in a hand of its own; else ``variation`` in [0, 1] is how far the digits of a hand differ.
    ``style`` is asked of every digit. One counts as read where the reader gives its class the highest probability, and
    ``certainty`` or more. ``own`` is the latent [D] of the hand of all lines; None: each has its own. ``origin`` is for
    :class:`Line`. Raises ValueError for what is outside, and for ``certainty`` above 0 without a reader.
    """

    generator: Generator
    axes: Axes
    reader: Frozen | None = None
    style: Style = field(default_factory=Style)
    mixed: bool = False
    variation: float = 0.3
    certainty: float = 0.0
    own: Tensor | None = None
    origin: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "style", made(Style, "style", self.style))
        object.__setattr__(self, "mixed", flag("mixed", self.mixed))
        for name in ("variation", "certainty"):
            object.__setattr__(self, name, real(name, getattr(self, name), 0, 1))
        if self.certainty and self.reader is None:
            raise ValueError(UNREAD)

    def hands(self, z: Tensor) -> Tensor:
        """The style [N, 4] of the hands of latents [N, D], as far as it is not asked for otherwise, in standard deviations."""
        hand = self.axes.hand(z)
        hand[:, self.style.held] = self.style.wanted
        return hand

    def digits(self, y: Tensor, hand: Tensor, seeds: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Images [N, 1, H, W] of labels int64 [N] in the hands of latents [N, D]; attempts [N]; which were read, bool [N]."""
        held = self.style.held if self.mixed else sorted({*KEPT, *self.style.held})
        wanted = self.hands(hand)[:, held]
        x, attempts, left = torch.empty(0), torch.zeros(len(y), dtype=torch.long), torch.arange(len(y))
        for attempt in range(ATTEMPTS if self.reader else 1):
            apart = 1.0 if self.mixed else min(1.0, self.variation + LOOSER * attempt)
            z = sample.latents(seeds[left] + attempt * OTHER_SEED, self.generator.latent)
            z = math.sqrt(1 - apart**2) * hand[left] + apart * z  # of unit variance, as both are
            drawn = self._draw(z, y[left], wanted[left], held)
            x = drawn if attempt == 0 else x.index_copy(0, left, drawn)
            attempts[left] += 1
            left = left[~self._reads(drawn, y[left])]
            if not len(left):
                break
        read = torch.ones(len(y), dtype=torch.bool).index_fill(0, left, False)
        return x, attempts, read

    def _draw(self, z: Tensor, y: Tensor, wanted: Tensor, held: list[int]) -> Tensor:
        drawn = []
        for some in torch.arange(len(y)).split(500):
            row = style.classes(y[some])
            [x] = sample.images(self.generator, self.axes.steer(z[some], row, wanted[some], held), y[some])
            drawn.append(self.axes.finish(x, row, self.style.wanted.expand(len(some), -1), self.style.held))
        return torch.cat(drawn)

    def _reads(self, x: Tensor, y: Tensor) -> Tensor:
        if self.reader is None:
            return torch.ones(len(y), dtype=torch.bool)
        chances = torch.cat([self.reader(part)[1].softmax(1) for part in x.split(500)])
        return (chances.argmax(1) == y) & (chances.amax(1) >= self.certainty)

    def write(self, texts: Sequence[str], first_seed: int = 0, layout: Layout | None = None) -> Iterator[Line]:
        """Yield a line for each of ``texts``; line i depends on ``first_seed`` + i, its text and the settings alone."""
        layout, done = layout or Layout(), 0
        per_chunk = max(1, CHUNK // max(map(len, texts), default=1))
        for start in range(0, len(texts), per_chunk):
            some = texts[start : start + per_chunk]
            yield from self._chunk(some, torch.arange(len(some)) + first_seed + done, layout)
            done += len(some)

    def _chunk(self, texts: Sequence[str], seeds: Tensor, layout: Layout) -> Iterator[Line]:
        hands = sample.latents(seeds, self.generator.latent) if self.own is None else self.own.expand(len(seeds), -1)
        where = [(i, place) for i, text in enumerate(texts) for place, one in enumerate(text) if one.isdigit()]
        owner = torch.tensor([i for i, _ in where], dtype=torch.long)
        y = torch.tensor([int(texts[i][place]) for i, place in where], dtype=torch.long)
        own = FIRST_SEED + seeds[owner] * 2**10 + torch.tensor([place for _, place in where], dtype=torch.long)
        x, attempts, read = self.digits(y, hands[owner], own) if len(y) else (torch.empty(0, 1, 28, 28), y, y.bool())
        cells, styles, first = shape(x, layout), self.hands(hands), 0
        for i, text in enumerate(texts):
            last = first + sum(map(str.isdigit, text))
            thickness, slant = (self.axes.mean[:, :2].mean(0) + self.axes.std[:, :2].mean(0) * styles[i, :2]).tolist()
            thickness *= layout.height / x.shape[-1]
            source = torch.Generator().manual_seed(int(seeds[i]))
            image, boxes = compose(text, cells[first:last], layout, source, thickness, slant)
            redrawn, unread = int((attempts[first:last] > 1).sum()), int((~read[first:last]).sum())
            yield Line(image, text, boxes, int(seeds[i]), redrawn, unread, self.origin)
            first = last
