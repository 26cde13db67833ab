"""Films: frames with a look and a description, to save or to see in a notebook."""

import base64
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from gan.digits import files
from gan.digits.files.picture import FPS, GIF_FPS
from gan.digits.look import Look, validate_area
from gan.digits.picture import MANY, SHOWN, WRITERS, Picture, Text, refuse_colour, stack, validate_path
from gan.error import UserError
from gan.validate import number

FRAME = 256  # pixels of a frame in a file
PIXELS = 400_000_000  # in all, 1.2 GB in colour
STRIPS = [suffix for suffix in WRITERS if suffix not in files.FILMS]


def validate_film(count: int, side: int, look: Look) -> None:
    """Raise UserError if ``count`` frames of ``side`` pixels have too many in a file."""
    pixels = count * (FRAME if look.height is None else look.height or side) ** 2
    if pixels > PIXELS:
        raise UserError(
            f"{pixels:,} pixels are more than the {PIXELS:,} of a film: take fewer frames or a lower look.height"
        )


@dataclass(eq=False, repr=False)
class Film:
    """Frames shown ``fps`` a second. Raises UserError for ``fps`` outside [1, 240]."""

    frames: Tensor  # [T, C, H, W] in [-1, 1]
    look: Look = field(default_factory=Look)
    text: Text = field(default_factory=dict)
    fps: float = 25.0

    def __post_init__(self) -> None:
        self.fps = number("fps", self.fps, *FPS)
        refuse_colour(self.frames, not self.look.grey)

    def __repr__(self) -> str:
        height, width = self.frames.shape[2:]
        return f"Film({len(self.frames)} frames, {width}x{height}, {self.fps:g} a second)"

    def strip(self) -> Picture:
        """All frames side by side. Raises UserError for more than a picture may hold."""
        count, _, height, width = self.frames.shape
        validate_area(height, count * width, "take fewer frames, or a .gif, .webp or .mp4")
        return Picture(torch.cat(list(self.frames), 2), self.look, self.text)

    @property
    def painted(self) -> Tensor:
        """Bytes [T, C, H, W], with the same texture in each frame."""
        return stack([Picture(frame, self.look) for frame in self.frames])

    def save(self, path: Path | str, overwrite: bool = False) -> None:
        """Write it as .gif (at most 50 ``fps``), .webp (90) or .mp4, of 256 pixels a side.

        With ``look.height`` it has that many. Other endings write its :meth:`strip`, as
        :meth:`Picture.save` does.
        """
        path = validate_path(path, [*files.FILMS, *STRIPS], overwrite)
        if path.suffix in files.FILMS:
            large = self if self.look.height is not None else replace(self, look=replace(self.look, height=FRAME))
            files.FILMS[path.suffix](large.painted, path, self.fps, self.text)
        else:
            WRITERS[path.suffix](self.strip(), path)

    def _repr_html_(self) -> str:
        height = self.look.height or SHOWN * self.frames.shape[2]
        large = replace(self, frames=self.frames[:MANY], look=replace(self.look, height=height))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "film.gif"
            files.write_gif(large.painted, path, min(self.fps, GIF_FPS))
            data = base64.b64encode(path.read_bytes()).decode()
        return f'<img alt="{self.text.get("Description", "")}" src="data:image/gif;base64,{data}">'
