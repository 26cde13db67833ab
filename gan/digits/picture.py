"""Digits, pictures and films with a look and a description, to save or to see in a notebook."""

import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
from torch import Tensor

from gan import sample
from gan.digits import files
from gan.digits.look import LARGEST, Look, parse_size, validate_area, validate_set
from gan.digits.paint import CRISP, MARGIN, Placement, paint, paint_canvas
from gan.error import UserError
from gan.file import write_bytes, write_text
from gan.image import grid, pillow, to_float, to_uint8
from gan.names import digit
from gan.validate import integer

if TYPE_CHECKING:
    from gan.digits.outline import Outline

Text = Mapping[str, str]  # metadata of a file: Title, Description (alternative text), Seed and others
PLAIN = Look()
LARGE = 1_000  # pixels of the longer side of a picture in a file, at least
SHOWN = 4  # enlargement in a notebook
OUTLINED = 200_000  # pixels of a picture that a notebook shows as outlines, at most: 200 digits, in 0.5 s
EQUAL = 0.7  # of the largest digits on a paper: rows of one length are worth smaller ones
MANY = 1_000  # digits or frames that a notebook shows at most: a million would fill its memory


@dataclass(frozen=True, eq=False, repr=False)
class Picture:
    """One picture. Raises UserError for a wrong size, and for a look or size with colours."""

    image: Tensor  # [C, H, W] in [-1, 1]
    look: Look = field(default_factory=Look)
    text: Text = field(default_factory=dict)
    size: str | tuple[int, int] | None = None  # of the paper, as in :func:`gan.digits.look.parse_size`
    seed: int = 0  # of the texture
    margin: float = MARGIN  # around the ink on that paper, a share of its shorter side

    def __post_init__(self) -> None:
        if self.size is not None:
            parse_size(self.size)
        refuse_colour(self.image, not self.look.grey or self.size is not None)

    def __repr__(self) -> str:
        height, width = self.image.shape[1:]
        return f"Picture({self.text.get('Title', '')!r}, {width}x{height})"

    @property
    def painted(self) -> Tensor:
        """Bytes [C, H, W]; C is 1 for a grey look, 4 for paper that is not opaque, else 3."""
        return self.placed[0]

    @cached_property
    def placed(self) -> tuple[Tensor, Placement]:
        """:attr:`painted`, and where the picture lies on it."""
        if self.size is not None:
            return paint_canvas(self.image, *parse_size(self.size), self.look, self.seed, self.margin)
        painted = paint(self.image, self.look, self.seed)
        return painted, Placement(painted.shape[1] / self.image.shape[1], 0.0, 0.0)

    @property
    def large(self) -> "Picture":
        """As it is saved in pixels: twice its own size or more, and 1,000 on its longer side.

        With ``look.height`` or a size, and where it would pass 4,096 a side, it is unchanged.
        """
        rows, columns = self.image.shape[1:]
        longest = max(rows, columns)
        if self.size is not None or self.look.height is not None or longest * CRISP > LARGEST:
            return self
        return replace(self, look=replace(self.look, height=math.ceil(rows * max(CRISP, LARGE / longest))))

    def svg(self) -> str:
        """Outlines, sharp at any size, under 4 kB for a digit, without textures."""
        from gan.digits.outline import to_svg  # imports SciPy, which pixels need not wait for

        return to_svg(*self._outlined())

    def pdf(self) -> bytes:
        """The same outlines as a PDF of one page."""
        from gan.digits.outline import to_pdf

        return to_pdf(*self._outlined())

    def _outlined(self) -> "tuple[list[Outline], int, int, Look, Text]":
        from gan.digits.outline import trace

        if len(self.image) != 1:
            raise UserError("this generator draws in colour: only what is grey has outlines")
        if self.size is not None:
            raise UserError("size is for pixels: an SVG or a PDF fits any paper")
        return trace(self.image[0]), self.image.shape[2], self.image.shape[1], self.look, self.text

    def save(self, path: Path | str, overwrite: bool = False) -> None:
        """Write it as .png, .webp (both :attr:`large`), .svg or .pdf.

        Raises UserError for another ending, FileExistsError for what exists unless ``overwrite``.
        """
        path = validate_path(path, WRITERS, overwrite)
        WRITERS[path.suffix](self, path)

    def _repr_png_(self) -> bytes:
        contents, (rows, columns) = io.BytesIO(), self.image.shape[1:]
        is_small = rows * columns <= OUTLINED and rows * SHOWN <= LARGEST
        if self.size is None and self.look.height is None and is_small:
            shown = replace(self, look=replace(self.look, height=rows * SHOWN)).painted
        elif self.size is None and not self.look.height:
            shown = self.painted.repeat_interleave(SHOWN, 1).repeat_interleave(SHOWN, 2)
        else:
            shown = self.painted
        pillow(shown).save(contents, format="PNG")
        return contents.getvalue()


WRITERS: dict[str, Callable[[Picture, Path], None]] = {
    ".png": lambda picture, path: files.write_png(picture.large.painted, path, picture.text),
    ".webp": lambda picture, path: files.write_webp(picture.large.painted, path, picture.text),
    ".svg": lambda picture, path: write_text(picture.svg(), path),
    ".pdf": lambda picture, path: write_bytes(picture.pdf(), path),
}


def validate_path(path: Path | str, endings: Iterable[str], overwrite: bool) -> Path:
    """``path`` with ~ expanded. Raises UserError for other endings, FileExistsError for a file."""
    path = Path(path).expanduser()
    if path.suffix not in endings:
        raise UserError(f"the file must end in one of {', '.join(endings)}, got {path}")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists: choose another name, or overwrite=True")
    return path


def refuse_colour(x: Tensor, styled: bool) -> None:
    """Refuse images [.., C, H, W] in colour that are ``styled`` by a look or a size."""
    if styled and x.shape[-3] != 1:
        raise UserError("this generator draws in colour: preset, look and size are for those that draw in grey")


def stack(pictures: "Digits | list[Picture]") -> Tensor:
    """The bytes [N, C, H, W] of pictures of one size; never holds them twice."""
    painted = pictures[0].painted
    stacked = painted.new_empty(len(pictures), *painted.shape)
    for place, picture in zip(stacked, pictures, strict=True):
        place.copy_(picture.painted)
    return stacked


def _fill(count: int, width: int, height: int) -> int:
    """Columns of ``count`` cells that fill a paper best, in equal rows if that costs little."""
    sides = {columns: min(width / columns, height / math.ceil(count / columns)) for columns in range(1, count + 1)}
    best = max(sides, key=sides.__getitem__)
    equal = max((columns for columns in sides if count % columns == 0), key=sides.__getitem__)
    return equal if sides[equal] > EQUAL * sides[best] else best


def title_of(name: str) -> str:
    """What a picture of the class ``name`` shows."""
    return f"The handwritten {'' if digit(name) is None else 'digit '}{name}"


@dataclass(frozen=True, eq=False, repr=False)
class Digits:
    """Digits: ``digits[3]`` is a Picture; ``digits[:5]``, ``digits[digits.labels == 7]`` Digits."""

    images: Tensor  # [N, C, H, W] in [-1, 1]
    labels: Tensor  # int64 [N], -1 for none
    seeds: Tensor  # int64 [N]
    look: Look = field(default_factory=Look)
    text: Text = field(default_factory=dict)
    read: Tensor | None = None  # bool [N]: certain and clean, as asked; None: neither was asked
    names: Sequence[str] = ()  # of the labels; (): their numbers

    def __post_init__(self) -> None:
        refuse_colour(self.images, not self.look.grey)

    @property
    def unread(self) -> int:
        """How many stay uncertain or not clean; 0 if neither was asked for."""
        return 0 if self.read is None else int((~self.read).sum())

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        seeds = f", seeds {int(self.seeds[0])} to {int(self.seeds[-1])}" if len(self) else ""
        return f"Digits({len(self)}{seeds}{f', {self.unread} unread' if self.unread else ''})"

    @overload
    def __getitem__(self, i: int) -> Picture: ...
    @overload
    def __getitem__(self, i: slice | list[int] | Tensor) -> "Digits": ...
    def __getitem__(self, i: int | slice | list[int] | Tensor) -> "Picture | Digits":
        some = np.arange(len(self))[i].tolist()  # NumPy's slices, unlike torch's, go backward too
        if isinstance(some, list):
            read = None if self.read is None else self.read[some]
            return replace(self, images=self.images[some], labels=self.labels[some], seeds=self.seeds[some], read=read)
        label, seed = int(self.labels[some]), int(self.seeds[some])
        about = self._describe("A handwritten digit", str(seed))
        if label >= 0:
            name = self.names[label] if self.names else str(label)
            about = self._describe(title_of(name), str(seed)) | {"Label": name}
        return Picture(self.images[some], self.look, about | dict(self.text), seed=seed)

    def __iter__(self) -> Iterator[Picture]:
        return (self[i] for i in range(len(self)))

    @property
    def painted(self) -> Tensor:
        """Bytes [N, C, H, W]; one channel if the look is grey. UserError for too many pixels."""
        if self.look.grey and not self.look.height:
            return to_uint8(self.images)
        validate_set(len(self), self.look)
        return stack(self)

    def grid(self, columns: int | None = None, size: str | tuple[int, int] | None = None) -> Picture:
        """All in rows of 1 to 10,000 ``columns``, two pixels apart, at most 4,096 pixels a side.

        Without ``columns``: one for each class, more if it would be higher than wide, or those that
        fill a paper of ``size`` best.
        """
        if not len(self):
            raise UserError("there is no digit to show")
        if len(self) == 1:
            return replace(self[0], size=size)
        if columns is None:
            columns = (
                sample.columns(len(self.names), len(self)) if size is None else _fill(len(self), *parse_size(size))
            )
        columns = integer("columns", columns, 1, 10_000)
        tall, wide = (2 + side for side in self.images.shape[2:])
        rows = math.ceil(len(self) / columns)
        validate_area(rows * tall, min(columns, len(self)) * wide, "show fewer, as digits[:5000]")
        first, last = int(self.seeds[0]), int(self.seeds[-1])
        about = self._describe(f"{len(self)} handwritten digits in rows of {columns}", f"{first} to {last}")
        joined, look = to_float(grid(self.images, columns)), self.look
        if look.height:
            tall, wide = joined.shape[1:]
            height = min(
                round(look.height * tall / self.images.shape[2]), max(tall, min(LARGEST, LARGEST * tall // wide))
            )
            look = replace(look, height=max(1, height))
        return Picture(joined, look, about | dict(self.text), size, first)

    def _describe(self, name: str, seed: str) -> dict[str, str]:
        colours = f", {self.look.ink} on {self.look.paper}" if self.images.shape[1] == 1 else ""
        return {"Title": name, "Description": name + colours, "Seed": seed}

    def save(self, path: Path | str, overwrite: bool = False) -> None:
        """Write their :meth:`grid`, as :meth:`Picture.save` does."""
        self.grid().save(path, overwrite)

    def _repr_png_(self) -> bytes | None:
        return self[:MANY].grid()._repr_png_() if len(self) else None
