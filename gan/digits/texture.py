"""Textures of paper and chalk, as pixels [H, W]; random numbers come from an argument."""

from collections.abc import Iterator

import torch
from torch import Generator, Tensor
from torch.nn.functional import conv2d, interpolate, pad

BAND = 2**20  # pixels of a band


def bands(height: int, width: int) -> Iterator[slice]:
    """The rows to paint at once: layers take many times the memory of a picture."""
    tall = max(1, BAND // width)
    return (slice(top, min(top + tall, height)) for top in range(0, height, tall))


def smoothstep(x: Tensor) -> Tensor:
    """0 below 0, 1 above 1, smooth between."""
    x = x.clamp(0, 1)
    return x * x * (3 - 2 * x)


def blur(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of [H, W], padded with zeros; ``sigma`` in pixels."""
    reach = int(3 * sigma) + 1
    bell = torch.exp(-torch.arange(-reach, reach + 1).square() / (2 * sigma**2))
    bell /= bell.sum()
    padded, blurred = pad(x, (reach,) * 4)[None, None], torch.empty_like(x)
    for rows in bands(*x.shape):
        seen = padded[:, :, rows.start : rows.stop + 2 * reach]
        blurred[rows] = conv2d(conv2d(seen, bell.view(1, 1, -1, 1)), bell.view(1, 1, 1, -1))[0, 0]
    return blurred


def ruling(height: int, width: int, squared: bool) -> Tensor:
    """The opacity [height, width], in [0, 1], of nine lines, or squares, along the shorter side."""
    pitch = max(4, round(min(height, width) / 9))
    thick = max(1, round(pitch / 30))
    down, right = (((torch.arange(n) - n // 2) % pitch < thick).float() for n in (height, width))
    return torch.maximum(down[:, None], right * squared) * min(1.0, pitch / 14)  # fainter on small pictures


def noise(source: Generator, height: int, width: int, cell: float) -> Tensor:
    """Smooth noise [height, width], mean 0, standard deviation near 0.9, scale ``cell`` pixels."""
    coarse = torch.randn(1, 1, int(height / cell) + 2, int(width / cell) + 2, generator=source)
    return interpolate(coarse, (height, width), mode="bicubic")[0, 0]


def grain(source: Generator, height: int, width: int) -> Tensor:
    """How much fibres lighten paper [height, width]; standard deviation near 0.02."""
    unit = max(1.0, min(height, width) / 500)  # fibres grow with the picture
    fibres = noise(source, height, width, unit).mul_(0.022)
    return fibres.add_(noise(source, height, width, 5 * unit).mul_(0.014))


def board(source: Generator, height: int, width: int) -> Tensor:
    """How much smears lighten a wiped board [height, width]; standard deviation near 0.02."""
    unit = min(height, width) / 9
    smears = noise(source, height, width, unit).mul_(0.02)
    return smears.add_(noise(source, height, width, max(1.0, unit / 60)).mul_(0.008))


def chalk(source: Generator, cover: Tensor, tall: float) -> Tensor:
    """Crumble the edges of ink ``cover`` [H, W] in [0, 1]; digits are ``tall`` pixels high."""
    unit = tall / 400  # of the digits, not of the picture: a long line has thin strokes
    height, width = cover.shape
    crumbs = noise(source, height, width, max(1.0, unit))
    crumbs.add_(noise(source, height, width, max(1.0, 4 * unit)).mul_(0.8))
    strength = 0.55 * min(1.0, 4 * unit)  # in small pictures many crumbs make one pixel
    soft = blur(cover, 4 * unit)
    for rows in bands(height, width):
        soft[rows] = cover[rows] * smoothstep(3 * soft[rows] - 1.2 + strength * crumbs[rows])
    return soft
