"""The only place where pixels change range, layout or place: floats in [-1, 1] inside, bytes in [0, 255] outside."""

from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import grid_sample
from torchvision.utils import make_grid

from gan.file import whole


def to_uint8(x: Tensor) -> Tensor:
    """Round floats in [-1, 1] to bytes in [0, 255]; values outside are clamped. Any shape."""
    return x.float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def to_float(image: Tensor) -> Tensor:
    """Scale bytes in [0, 255] to floats in [-1, 1]; the exact inverse of :func:`to_uint8`. Any shape."""
    return image.float().div_(127.5).sub_(1)


def rgb(x: Tensor) -> Tensor:
    """Repeat one channel to three; three stay as they are. [N, 1 or 3, H, W] -> [N, 3, H, W]."""
    return x.expand(-1, 3, -1, -1)


class _Warp(torch.autograd.Function):
    """Bilinear sampling [N, C, H, W] at a grid [N, H', W', 2]. Linear, so its gradient is its transpose, of any order.

    torch's own lacks the second derivative, which gradient penalties take, in older versions and in cuDNN.
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
    """From the samples back to where they came from: the transpose of :class:`_Warp`, which is its gradient in turn."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, grid: Tensor, shape: torch.Size) -> Any:
        ctx.save_for_backward(grid)
        # The image is asked for its shape alone: 0, 0, False are bilinear, zeros outside, align_corners.
        backward = torch.ops.aten.grid_sampler_2d_backward
        return backward(y.contiguous(), y.new_empty(shape), grid, 0, 0, False, [True, False])[0]

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return _Warp.apply(*grads, *ctx.saved_tensors), None, None


def warp(x: Tensor, grid: Tensor) -> Tensor:
    """Sample images [N, C, H, W] in [-1, 1] at ``grid`` [N, H', W', 2], as torch's grid_sample does; outside is -1.

    Differentiable in x to any order, not in the grid; in float32 at least, whatever the type of x.
    """
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    moved: Tensor = _Warp.apply(wide + 1, grid.to(wide.dtype))
    return (moved - 1).to(x.dtype)


def grid(x: Tensor, columns: int) -> Tensor:
    """Lay floats [N, C, H, W] in [-1, 1] out in rows of ``columns``, two black pixels apart: bytes [C, H', W']."""
    picture: Tensor = make_grid(to_uint8(x).cpu(), nrow=columns, padding=2)
    return picture[: x.shape[1]]


def pillow(image: Tensor) -> Image.Image:
    """Bytes [C, H, W] as Pillow's picture, C being 1, 3 or 4."""
    return Image.fromarray(image.permute(1, 2, 0).squeeze(-1).contiguous().numpy())


def save(image: Tensor, path: Path) -> None:
    """Write bytes [C, H, W] (C is 1, 3 or 4) as a lossless picture, appearing whole or not at all."""
    with whole(path) as partial:
        pillow(image).save(partial, format="PNG")
