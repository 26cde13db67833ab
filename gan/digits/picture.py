"""What is shown and saved: digits with a look, and with what there is to say of them. Notebooks show these as pictures."""

import base64
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from torch import Tensor

from gan.digits import files, outline
from gan.digits.files.film import FPS, GIF_FPS
from gan.digits.given import real, whole
from gan.digits.look import LARGEST, Look, size
from gan.digits.paint import Place, canvas, paint
from gan.file import write_bytes, write_text
from gan.image import grid, pillow, to_float, to_uint8

PLAIN = Look()
SHOWN = 4  # times as large as generated, in a notebook
MANY = 1_000  # digits that a notebook shows, of more the first: a million would take its memory


@dataclass(frozen=True, eq=False, repr=False)
class Picture:
    """One picture [C, H, W] in [-1, 1]; ``text`` goes into its file: Title, Description (alternative text), Seed, and so on.

    ``size``: a larger paper around it, ``square``, ``card``, ``story``, ``640x480`` or width and height in pixels, (640, 480).
    ``seed`` is of the look's texture. Raises ValueError for another size, and where a picture in colour is asked for in others.
    """

    image: Tensor
    look: Look = PLAIN
    text: Mapping[str, str] = field(default_factory=dict)
    size: str | tuple[int, int] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size is not None:
            object.__setattr__(self, "size", size(self.size))
        _grey(self.image, self.look != PLAIN or self.size is not None)

    def __repr__(self) -> str:
        return f"Picture({self.text.get('Title', '')!r}, {_sides(self.image)})"

    @property
    def painted(self) -> Tensor:
        """Bytes [1, 3 or 4, H, W]; one channel where the look is grey."""
        return self.placed[0]

    @property
    def placed(self) -> tuple[Tensor, Place]:
        """The same, and where the picture lies on it."""
        if self.size:
            return canvas(self.image, *size(self.size), self.look, self.seed)
        painted = paint(self.image, self.look, self.seed)
        return painted, Place(painted.shape[1] / self.image.shape[1], 0.0, 0.0)

    def svg(self) -> str:
        """Smooth outlines, sharp at any size, under 4 kB for a digit; without textures, which are of pixels."""
        return str(self._drawn(outline.svg))

    def pdf(self) -> bytes:
        """The same outlines as a PDF of one page."""
        return bytes(self._drawn(outline.pdf))

    def _drawn(self, draw: Callable[..., Any]) -> Any:
        """What ``draw``, of :mod:`gan.digits.outline`, makes of it."""
        if len(self.image) != 1:
            raise ValueError("this generator draws in colour: only what is grey has outlines")
        if self.size:
            raise ValueError("size is for pixels: an SVG or a PDF fits any paper")
        return draw(outline.trace(self.image[0]), self.image.shape[2], self.image.shape[1], self.look, self.text)

    def save(self, path: Path | str, overwrite: bool = False) -> None:
        """Write it as .png, .webp, .svg or .pdf, by the end of ``path``, whole or not at all.

        Raises ValueError for another end, FileExistsError where there is a file, unless ``overwrite``.
        """
        path = _free(path, WRITERS, overwrite)
        WRITERS[path.suffix](self, path)

    def _repr_png_(self) -> bytes:
        contents = io.BytesIO()
        shown = self.painted
        if not self.size and not self.look.height:
            shown = shown.repeat_interleave(SHOWN, 1).repeat_interleave(SHOWN, 2)
        pillow(shown).save(contents, format="PNG")
        return contents.getvalue()


WRITERS: dict[str, Callable[[Picture, Path], None]] = {
    ".png": lambda picture, path: files.png(picture.painted, path, picture.text),
    ".webp": lambda picture, path: files.webp(picture.painted, path, picture.text),
    ".svg": lambda picture, path: write_text(picture.svg(), path),
    ".pdf": lambda picture, path: write_bytes(picture.pdf(), path),
}


def _free(path: Path | str, kinds: Iterable[str], overwrite: bool) -> Path:
    """``path`` itself. Raises ValueError where its end is none of ``kinds``, FileExistsError where something would be lost."""
    path = Path(path).expanduser()
    if path.suffix not in kinds:
        raise ValueError(f"the file must end in one of {', '.join(kinds)}, got {path}")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists: choose another name, or overwrite=True")
    return path


def _grey(x: Tensor, asked: bool) -> None:
    """Raise ValueError where a look or a size is ``asked`` for and images [.., C, H, W] are in colour."""
    if asked and x.shape[-3] != 1:
        raise ValueError("this generator draws in colour: preset, look and size are for those that draw in grey")


def _sides(x: Tensor) -> str:
    """Width and height of images [.., H, W]."""
    return f"{x.shape[-1]}x{x.shape[-2]}"


@dataclass(frozen=True, eq=False, repr=False)
class Digits:
    """Digits [N, C, H, W] in [-1, 1] with labels int64 [N], -1 for none, each a function of its seed, int64 [N].

    ``digits[3]`` is a :class:`Picture`; ``digits[:5]`` and ``digits[digits.labels == 7]`` are digits again. ``read``, bool
    [N]: which are read with certainty, where that was asked for; ``unread`` is how many are not. A notebook shows the first
    1,000.
    """

    images: Tensor
    labels: Tensor
    seeds: Tensor
    look: Look = PLAIN
    text: Mapping[str, str] = field(default_factory=dict)
    read: Tensor | None = None

    def __post_init__(self) -> None:
        _grey(self.images, self.look != PLAIN)

    @property
    def unread(self) -> int:
        """How many are not read with certainty after all attempts; 0 where that was not asked for."""
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
        name = "A handwritten digit" if label < 0 else f"The handwritten digit {label}"
        said = self._said(name, str(seed)) | ({"Label": str(label)} if label >= 0 else {})
        return Picture(self.images[some], self.look, said | dict(self.text), seed=seed)

    def __iter__(self) -> Iterator[Picture]:
        return (self[i] for i in range(len(self)))

    @property
    def painted(self) -> Tensor:
        """Bytes [N, C, H, W]; one channel where the look is grey."""
        return to_uint8(self.images) if self.look == PLAIN else torch.stack([picture.painted for picture in self])

    def grid(self, columns: int = 10) -> Picture:
        """All of them in rows, two pixels apart, of 1 to 10,000 ``columns``.

        Each is as high as the look asks, as far as no side of the whole is longer than 4,096 pixels.
        """
        columns = whole("columns", columns, 1, 10_000)
        if not len(self):
            raise ValueError("there is no digit to show")
        if len(self) == 1:
            return self[0]
        first, last = int(self.seeds[0]), int(self.seeds[-1])
        name = f"{len(self)} handwritten digits in rows of {columns}"
        said = self._said(name, f"{first} to {last}") | dict(self.text)
        joined, look = to_float(grid(self.images, columns)), self.look
        if look.height:
            tall, wide = joined.shape[1:]
            most = min(LARGEST, LARGEST * tall // wide)
            look = replace(look, height=max(1, min(most, round(look.height * tall / self.images.shape[2]))))
        return Picture(joined, look, said, seed=first)

    def _said(self, name: str, seed: str) -> dict[str, str]:
        colours = f", {self.look.ink} on {self.look.paper}" if self.images.shape[1] == 1 else ""
        return {"Title": name, "Description": name + colours, "Seed": seed}

    def save(self, path: Path | str, overwrite: bool = False) -> None:
        """Write their :meth:`grid` as :meth:`Picture.save` does."""
        self.grid().save(path, overwrite)

    def _repr_png_(self) -> bytes | None:
        return self[:MANY].grid()._repr_png_() if len(self) else None


@dataclass(frozen=True, eq=False, repr=False)
class Film:
    """Frames [T, C, H, W] in [-1, 1], shown ``fps`` a second: 1 to 240, or an error; in a GIF, 50 at most."""

    frames: Tensor
    look: Look = PLAIN
    text: Mapping[str, str] = field(default_factory=dict)
    fps: float = 25.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "fps", real("fps", self.fps, *FPS))
        _grey(self.frames, self.look != PLAIN)

    def __repr__(self) -> str:
        return f"Film({len(self.frames)} frames, {_sides(self.frames)}, {self.fps:g} a second)"

    def strip(self) -> Picture:
        """All frames side by side."""
        return Picture(torch.cat(list(self.frames), 2), self.look, self.text)

    @property
    def painted(self) -> Tensor:
        """Bytes [T, C, H, W], in the same texture."""
        return torch.stack([Picture(frame, self.look).painted for frame in self.frames])

    def save(self, path: Path | str, overwrite: bool = False) -> None:
        """Write it as .gif or .mp4, or as a strip in any format of a picture, by the end of ``path``, whole or not at all.

        Raises what :meth:`Picture.save` raises.
        """
        path = _free(path, [*files.FILMS, *WRITERS], overwrite)
        if path.suffix in files.FILMS:
            files.FILMS[path.suffix](self.painted, path, self.fps, self.text)
        else:
            self.strip().save(path, overwrite)

    def _repr_html_(self) -> str:
        height = self.look.height or SHOWN * self.frames.shape[2]
        large = replace(self, look=replace(self.look, height=height)) if self.frames.shape[1] == 1 else self
        with tempfile.TemporaryDirectory() as folder:
            files.gif(large.painted, Path(folder) / "film.gif", min(self.fps, GIF_FPS))
            data = base64.b64encode((Path(folder) / "film.gif").read_bytes()).decode()
        return f'<img alt="{self.text.get("Description", "")}" src="data:image/gif;base64,{data}">'
