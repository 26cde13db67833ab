"""The only place where pixels change range or layout: floats in [-1, 1] inside, bytes outside."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn.functional import grid_sample, pad

from gan.error import UserError
from gan.file import atomic_write


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


def load_picture(path: Path, channels: int) -> np.ndarray:
    """Read a file as bytes [H, W], or [H, W, 3] if ``channels`` is 3, upright as its EXIF says.

    Transparent pixels become white, or black behind light ink. Raises UserError if that fails.
    """
    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file)
            if picture.mode[0] in "IF":  # 16 bits or more, which Pillow's conversion would cut off
                wide = np.asarray(picture, dtype=np.float64)
                picture = Image.fromarray((wide / (257 if wide.max() > 255 else 1)).clip(0, 255).astype(np.uint8))
            if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
                picture = _on_paper(picture.convert("RGBA"))
            return np.asarray(picture.convert("RGB" if channels == 3 else "L"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"{path} cannot be read as an image ({error}): repair or remove it") from error


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
