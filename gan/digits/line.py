"""Lines of digits: drawn by a generator in one hand or in many, read back, and put side by side with a box around each."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import label
from torch import Tensor
from torch.nn.functional import interpolate, pad

from gan import sample
from gan.digits import mark, style
from gan.digits.files import Written
from gan.digits.given import flag, real
from gan.digits.look import Look, preset
from gan.digits.picture import PLAIN, Picture
from gan.digits.style import Axes, Style
from gan.image import to_uint8, warp
from gan.metric.feature import Frozen
from gan.network import Generator

ATTEMPTS = 8  # at a digit that is not read as asked
LOOSER = 0.25  # how much each attempt adds to the variation: a hand that cannot write a 4 borrows another's
KEPT = [0, 1]  # attributes that are a hand's: thickness and slant
FIRST_SEED = 4 * sample.SEEDS  # of digits in lines
OTHER_SEED = 16 * sample.SEEDS  # between the attempts at a digit
SPECK = 0.03  # share of a digit's ink below which a piece that lies apart is left out
INK = 26  # bytes from which a pixel belongs to a digit: a tenth of full ink
DIGIT = 20 / 28  # height of MNIST's digits in their cell
CHUNK = 4_000  # digits drawn together


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
        limits = {"height": (8, 1024), "spacing": (-0.5, 10), "jitter": (0, 1), "slant": (-45, 45), "margin": (0, 10)}
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            kind = int if name == "height" else int | float
            if not isinstance(value, kind) or isinstance(value, bool) or not low <= value <= high:
                whole = "a whole number" if name == "height" else "a number"
                raise ValueError(f"layout.{name} must be {whole} from {low} to {high}, got {value}")


@dataclass(frozen=True)
class Box:
    """Where a character's ink is, in pixels from the top left corner: x <= right < x + width. A space has none."""

    character: str
    x: int
    y: int
    width: int
    height: int


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

        def moved(box: Box) -> tuple[float, float, float, float]:
            sides = (box.x * place.scale + place.right, box.y * place.scale + place.down)
            found = (*sides, box.width * place.scale, box.height * place.scale)
            return tuple(int(side) if side == int(side) else round(side, 2) for side in found)  # type: ignore[return-value]

        return Written(painted, self.text, [(box.character, moved(box)) for box in self.boxes])


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
        object.__setattr__(self, "mixed", flag("mixed", self.mixed))
        for name in ("variation", "certainty"):
            object.__setattr__(self, name, real(name, getattr(self, name), 0, 1))
        if self.certainty and self.reader is None:
            raise ValueError("nothing reads these digits, so that none is certain: choose a reader, or leave certain out")

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
        row = style.classes(y)
        z = self.axes.steer(z, row, wanted, held)
        x = torch.cat(list(sample.images(self.generator, z, y)))
        return self.axes.finish(x, row, self.style.wanted.expand(len(y), -1), self.style.held)

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
            source = torch.Generator().manual_seed(int(seeds[i]))
            image, boxes = compose(text, cells[first:last], layout, source, thickness, slant)
            redrawn, unread = int((attempts[first:last] > 1).sum()), int((~read[first:last]).sum())
            yield Line(image, text, boxes, int(seeds[i]), redrawn, unread, self.origin)
            first = last


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

    Digits stand on the baseline. Separators lean by ``slant`` degrees, ``thickness`` pixels thick where ``height`` is 28.
    """
    unit = layout.height * DIGIT
    shear = math.tan(math.radians(slant)) + math.tan(math.radians(layout.slant))
    digits, pieces, x = iter(cells), [], 0.0  # pieces: character, ink, left, top above the baseline
    for one in text:
        if one == " ":
            x += mark.SPACE * unit
            continue
        if one.isdigit():
            cell, rise = next(digits), None
        else:
            drawn = mark.draw(one, unit, thickness * layout.height / 28, shear, source)
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
    whole = np.flatnonzero(sizes >= SPECK * sizes.sum()) + 1
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
    return torch.from_numpy(canvas).float().div_(127.5).sub_(1)[None], boxes
