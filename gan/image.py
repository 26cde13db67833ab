"""The only place where pixels change range or layout: floats in [-1, 1] inside, bytes in [0, 255] outside."""

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
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


def grid(x: Tensor, columns: int) -> Tensor:
    """Lay floats [N, C, H, W] in [-1, 1] out in rows of ``columns``, two black pixels apart: bytes [C, H', W']."""
    picture: Tensor = make_grid(to_uint8(x).cpu(), nrow=columns, padding=2)
    return picture[: x.shape[1]]


def save(image: Tensor, path: Path) -> None:
    """Write bytes [C, H, W] (C is 1 or 3) as a lossless picture, appearing whole or not at all."""
    pixels = image.permute(1, 2, 0).squeeze(-1).numpy()
    with whole(path) as partial:
        Image.fromarray(pixels).save(partial, format="PNG")
