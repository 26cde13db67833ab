"""The only place where pixels change range or layout: floats in [-1, 1] inside, bytes outside."""

import functools
import math
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.nn.functional import grid_sample, pad

from gan.error import UserError
from gan.file import atomic_write

# The only formats that pictures are read in: plain pixels. Others start programs (EPS), are
# drawings or films, or are so rare that nobody looks for their faults.
FORMATS = (
    "AVIF", "BMP", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "MPO", "PCX", "PNG", "PPM", "QOI", "SGI", "SUN", "TGA",
    "TIFF", "WEBP", "XBM",
)  # fmt: skip
SUFFIXES = (
    ".apng", ".avif", ".bmp", ".dib", ".gif", ".ico", ".j2c", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpf", ".jpg",
    ".jpx", ".mpo", ".pbm", ".pcx", ".pfm", ".pgm", ".png", ".pnm", ".ppm", ".qoi", ".ras", ".sgi", ".tga", ".tif",
    ".tiff", ".webp", ".xbm",
)  # of FORMATS  # fmt: skip
PIXELS = 5 * 10**7  # of a picture, at most: a quarter of a gigabyte while it is converted
DRAFT_PIXELS = 2**24  # of a JPEG, beyond which it is decoded smaller
DRAFT_SIDE = 1024  # pixels that remain of it, at least
DEPTHS = (1, 255, 1023, 4095, 16383, 65535)  # the highest values of 1, 8, 10, 12, 14 and 16 bits
COARSE = 64  # of 256 levels: colours of 16 bits below are coarse or nearly black
DAMAGE = (OSError, ValueError, SyntaxError, RuntimeError, struct.error)  # by which Pillow refuses damaged files
Span = tuple[float, float]


def to_uint8(x: Tensor) -> Tensor:
    """Round floats in [-1, 1] to bytes; values outside are clamped. Any shape."""
    return x.float().add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)


def to_float(image: Tensor) -> Tensor:
    """Scale bytes to floats in [-1, 1]; :func:`to_uint8` inverts it exactly. Any shape."""
    return image.float().div_(127.5).sub_(1)


def rgb(x: Tensor) -> Tensor:
    """Repeat one channel to three; three are unchanged. [N, 1 or 3, H, W] -> [N, 3, H, W]."""
    return x.expand(-1, 3, -1, -1)


class _Warp(torch.autograd.Function):
    """Bilinear sampling [N, C, H, W] at ``grid`` [N, H', W', 2], whose gradient is its transpose.

    torch's own lacks the second derivative, which penalties need, in older versions and in cuDNN.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = x.shape
        return grid_sample(x, grid, align_corners=False)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return _Transpose.apply(*grads, *ctx.saved_tensors, ctx.shape), None


class _Transpose(torch.autograd.Function):
    """The transpose of :class:`_Warp`, which is its gradient in turn."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, grid: Tensor, shape: torch.Size) -> Any:
        ctx.save_for_backward(grid)
        # Only the shape of the image matters. 0, 0, False: bilinear, zeros outside, align_corners.
        backward = torch.ops.aten.grid_sampler_2d_backward
        return backward(y.contiguous(), y.new_empty(shape), grid, 0, 0, False, [True, False])[0]

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return _Warp.apply(*grads, *ctx.saved_tensors), None, None


def warp(x: Tensor, grid: Tensor) -> Tensor:
    """Sample images [N, C, H, W] at ``grid`` [N, H', W', 2] of grid_sample; outside is -1, black.

    Differentiable in x to any order, but not in the grid. Computes in float32 at least.
    """
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    moved: Tensor = _Warp.apply(wide + 1, grid.to(wide.dtype))
    return (moved - 1).to(x.dtype)


def grid(x: Tensor, columns: int) -> Tensor:
    """Tile floats [N, C, H, W] in rows of ``columns``, 2 black pixels apart: bytes [C, H', W']."""
    if len(x) == 1:  # without a border
        return to_uint8(x[0]).cpu()
    cells = pad(to_uint8(x).cpu(), (2, 0, 2, 0))
    rows = [torch.cat(list(row), 2) for row in cells.split(columns)]
    width = rows[0].shape[2]
    return pad(torch.cat([pad(row, (0, width - row.shape[2])) for row in rows], 1), (0, 2, 0, 2))


def pillow(image: Tensor) -> Image.Image:
    """Bytes [C, H, W] as Pillow's picture; C is 1, 3 or 4."""
    return Image.fromarray(image.permute(1, 2, 0).squeeze(-1).contiguous().numpy())


def save(image: Tensor, path: Path) -> None:
    """Write bytes [C, H, W] as a PNG file; C is 1, 3 or 4."""
    with atomic_write(path) as partial:
        pillow(image).save(partial, format="PNG")


@functools.cache
def _formats() -> list[str]:
    """Those of FORMATS that this Pillow reads; its list of formats needs all of its modules."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


@contextmanager
def open_picture(path: Path) -> Iterator[Image.Image]:
    """Open a file of one of FORMATS, whatever its suffix; what fails in the block is the file's.

    A huge JPEG is decoded at half its size or less. Raises UserError, naming the file, if it is
    none, is damaged, or has more than PIXELS.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=_formats()) as file:
            if file.width * file.height > DRAFT_PIXELS:
                file.draft(None, (DRAFT_SIDE, DRAFT_SIDE))  # changes JPEG only
            if file.width * file.height > PIXELS:
                raise ValueError(f"{file.width}x{file.height} pixels, more than {PIXELS:,}")
            yield file
    except (*DAMAGE, Image.DecompressionBombError) as error:
        reason = "it is none of the formats that are read" if isinstance(error, UnidentifiedImageError) else error
        raise UserError(f"{path} cannot be read as an image ({reason}): repair or remove it") from error


def load_picture(path: Path, channels: int, span: Span | None = None) -> np.ndarray:
    """Read a file as bytes [H, W], or [H, W, 3] if ``channels`` is 3, upright as its EXIF says.

    Of several pages, the first. Transparent pixels become white, or black behind light ink. Values
    of more than 8 bits are scaled from ``span``, None: that of the picture, see :func:`full_span`.
    Raises UserError if the file cannot be read.
    """
    with open_picture(path) as file:
        if span is None:
            require_levels(colour_levels(file) or 0)
            span = full_span(*(wide_values(file) or (0, 255)))
        picture = ImageOps.exif_transpose(file)
        if picture.mode[0] in "IF":  # more than 8 bits, which Pillow's conversion would cut off
            low, high = span
            wide = np.asarray(picture, dtype=np.float32)
            picture = Image.fromarray(((wide - low) * (255 / (high - low))).round().clip(0, 255).astype(np.uint8))
        if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
            picture = _on_paper(picture.convert("RGBA"))
        return np.asarray(picture.convert("RGB" if channels == 3 else "L"))


def wide_values(file: Image.Image) -> Span | None:
    """The lowest and the highest value of an open picture of more than 8 bits; None: it has 8.

    Raises ValueError for values that are no numbers.
    """
    if file.mode[0] not in "IF":
        return None
    values = np.asarray(file)
    low, high = float(values.min()), float(values.max())
    if not math.isfinite(low) or not math.isfinite(high):
        raise ValueError("it holds values that are no numbers")
    return low, high


def colour_levels(file: Image.Image) -> int | None:
    """The highest level of an open picture whose colours have 16 bits; None: they have not.

    Pillow reads the upper 8 of them, from 0 to 255.
    """
    if file.mode[0] in "IF" or not any(";16" in str(tile[3]) for tile in file.tile):  # type: ignore[attr-defined]
        return None
    return max(int(high) for _, high in file.convert("RGB").getextrema())  # type: ignore[misc]


def require_levels(highest: int) -> None:
    """Raise ValueError if colours of 16 bits, of these :func:`colour_levels`, would be lost."""
    if 0 < highest < COARSE:
        reach = f"{highest * 257:,} of 65,535"
        raise ValueError(f"colours of 16 bits that reach only {reach} would be nearly black: save 8 bits, or greys")


def full_span(low: float, high: float) -> Span:
    """The values that become black and white, in pictures whose values reach from low to high.

    From 0 to the next full depth of bits (1, 255, 1023, 4095, 16383 or 65535), or to ``high``
    itself if that is less than a quarter of it, or more than all. Negative values start at ``low``.
    """
    full = next((depth for depth in DEPTHS if high <= depth), high)
    top = full if 4 * high >= full else high
    bottom = min(0.0, low)
    return (bottom, top) if top > bottom else (bottom, bottom + 1)


def _on_paper(picture: Image.Image) -> Image.Image:
    """Lay a translucent picture on white paper, or on black paper if its ink is light."""
    ink = np.asarray(picture.convert("L"), float)
    cover = np.asarray(picture.getchannel("A"), float)
    is_dark = (ink * cover).sum() < 127.5 * cover.sum() or not cover.any()
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white" if is_dark else "black"), picture)


def border(pixels: np.ndarray) -> np.ndarray:
    """The median of the outermost pixels of bytes [H, W] or [H, W, 3]: one number, or three."""
    edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
    return np.median(np.concatenate(edges), axis=0)  # type: ignore[no-any-return]
