"""What is shown and saved: digits with a look, and with what there is to say of them. Notebooks show these as pictures."""

import base64
import io
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.utils import make_grid

from gan.digits import files, outline
from gan.digits.files.picture import pillow
from gan.digits.look import Look
from gan.digits.paint import Place, canvas, paint
from gan.file import write_bytes, write_text
from gan.image import to_uint8

PLAIN = Look()
SHOWN = 4  # times as large as generated, in a notebook


@dataclass(frozen=True)
class Picture:
    """One picture [C, H, W] in [-1, 1]; ``text`` goes into its file: Title, Description (alternative text), Seed, and so on.

    ``size``: width and height in pixels of a larger paper around it. ``seed`` is of the look's texture. Raises ValueError
    where a picture in colour is asked for in other colours.
    """

    image: Tensor
    look: Look = PLAIN
    text: Mapping[str, str] = field(default_factory=dict)
    size: tuple[int, int] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.image) != 1 and (self.look != PLAIN or self.size):
            raise ValueError("this generator draws in colour: preset, look and size are for those that draw in grey")

    @property
    def painted(self) -> Tensor:
        """Bytes [1, 3 or 4, H, W]; one channel where the look is plain."""
        return self.placed[0]

    @property
    def placed(self) -> tuple[Tensor, Place]:
        """The same, and where the picture lies on it."""
        if self.size:
            return canvas(self.image, *self.size, self.look, self.seed)
        if self.look == PLAIN:
            return to_uint8(self.image), Place(1.0, 0.0, 0.0)
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

    def save(self, path: Path | str) -> None:
        """Write it as PNG, WebP, SVG or PDF, by the end of ``path``, whole or not at all. What is there is replaced."""
        path = Path(path)
        if path.suffix not in WRITERS:
            raise ValueError(f"a picture's file must end in one of {', '.join(WRITERS)}, got {path}")
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


@dataclass(frozen=True)
class Digits:
    """Digits [N, C, H, W] in [-1, 1] with labels int64 [N], -1 for none, each a function of its seed, int64 [N]."""

    images: Tensor
    labels: Tensor
    seeds: Tensor
    look: Look = PLAIN
    text: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> Picture:
        label, seed = int(self.labels[i]), int(self.seeds[i])
        name = "A handwritten digit" if label < 0 else f"The handwritten digit {label}"
        said = {"Title": name, "Description": f"{name}, {self.look.ink} on {self.look.paper}", "Seed": str(seed)}
        said |= {"Label": str(label)} if label >= 0 else {}
        return Picture(self.images[i], self.look, said | dict(self.text), seed=seed)

    def __iter__(self) -> Iterator[Picture]:
        return (self[i] for i in range(len(self)))

    @property
    def painted(self) -> Tensor:
        """Bytes [N, C, H, W]; one channel where the look is plain."""
        return to_uint8(self.images) if self.look == PLAIN else torch.stack([picture.painted for picture in self])

    def grid(self, columns: int = 10) -> Picture:
        """All of them in rows, two pixels apart."""
        if len(self) == 1:
            return self[0]
        first, last = int(self.seeds[0]), int(self.seeds[-1])
        name = f"{len(self)} handwritten digits in rows of {columns}"
        said = {"Title": name, "Description": f"{name}, {self.look.ink} on {self.look.paper}", "Seed": f"{first} to {last}"}
        grid = make_grid(self.images, nrow=columns, padding=2, pad_value=-1.0)[: self.images.shape[1]]
        return Picture(grid, self.look, said | dict(self.text), seed=first)

    def _repr_png_(self) -> bytes:
        return self.grid()._repr_png_()


@dataclass(frozen=True)
class Film:
    """Frames [T, C, H, W] in [-1, 1], shown ``fps`` a second."""

    frames: Tensor
    look: Look = PLAIN
    text: Mapping[str, str] = field(default_factory=dict)
    fps: float = 25.0

    def strip(self) -> Picture:
        """All frames side by side."""
        return Picture(torch.cat(list(self.frames), 2), self.look, self.text)

    @property
    def painted(self) -> Tensor:
        """Bytes [T, C, H, W], in the same texture."""
        return torch.stack([Picture(frame, self.look).painted for frame in self.frames])

    def save(self, path: Path | str) -> None:
        """Write it as GIF or MP4, or as a strip in any format of a picture, by the end of ``path``, whole or not at all."""
        path = Path(path)
        if path.suffix in files.FILMS:
            files.FILMS[path.suffix](self.painted, path, self.fps, self.text)
        else:
            self.strip().save(path)

    def _repr_html_(self) -> str:
        height = self.look.height or SHOWN * self.frames.shape[2]
        large = replace(self, look=replace(self.look, height=height)) if self.frames.shape[1] == 1 else self
        with tempfile.TemporaryDirectory() as folder:
            files.gif(large.painted, Path(folder) / "film.gif", self.fps)
            data = base64.b64encode((Path(folder) / "film.gif").read_bytes()).decode()
        return f'<img alt="{self.text.get("Description", "")}" src="data:image/gif;base64,{data}">'
