"""What paper and chalk do to digits: ruling, grain, crumbs. Pixels [H, W]; chance is an argument."""

import torch
from torch import Generator, Tensor
from torch.nn.functional import conv2d, interpolate, pad


def smoothstep(x: Tensor) -> Tensor:
    """0 below 0, 1 above 1, and smooth between."""
    x = x.clamp(0, 1)
    return x * x * (3 - 2 * x)


def blur(x: Tensor, sigma: float) -> Tensor:
    """Gaussian, ``sigma`` in pixels, of [N, 1, H, W] with nothing around."""
    reach = int(3 * sigma) + 1
    bell = torch.exp(-torch.arange(-reach, reach + 1).square() / (2 * sigma**2))
    bell = bell / bell.sum()
    return conv2d(conv2d(pad(x, (reach,) * 4), bell.view(1, 1, -1, 1)), bell.view(1, 1, 1, -1))


def ruling(height: int, width: int, squared: bool) -> Tensor:
    """How much of each pixel is line, [height, width] in [0, 1]: about nine lines on the shorter side, or as many squares."""
    pitch = max(4, round(min(height, width) / 9))
    thick = max(1, round(pitch / 30))
    down, right = (((torch.arange(n) - n // 2) % pitch < thick).float() for n in (height, width))
    lines = torch.maximum(down[:, None], right * squared)
    return lines * min(1.0, pitch / 14)  # a line is never thinner than a pixel, but fainter on small pictures


def noise(source: Generator, height: int, width: int, cell: float) -> Tensor:
    """Smooth noise [height, width] of mean 0 and deviation near 0.9, varying over ``cell`` pixels."""
    coarse = torch.randn(1, 1, int(height / cell) + 2, int(width / cell) + 2, generator=source)
    return interpolate(coarse, (height, width), mode="bicubic")[0, 0]


def grain(source: Generator, height: int, width: int) -> Tensor:
    """How much lighter the fibres of paper are, [height, width], of deviation near 0.02."""
    unit = max(1.0, min(height, width) / 500)  # so that fibres are as large a part of a large picture as of a small one
    return 0.022 * noise(source, height, width, unit) + 0.014 * noise(source, height, width, 5 * unit)


def board(source: Generator, height: int, width: int) -> Tensor:
    """How much lighter the smears of a wiped board are, [height, width], of deviation near 0.02."""
    unit = min(height, width) / 9
    return 0.02 * noise(source, height, width, unit) + 0.008 * noise(source, height, width, max(1.0, unit / 60))


def chalk(source: Generator, cover: Tensor, tall: float) -> Tensor:
    """Ink [H, W] in [0, 1] as chalk leaves it: dense in the middle of strokes, crumbling to their edges.

    ``tall``: the digits' height in pixels.
    """
    height, width = cover.shape
    unit = tall / 400  # of the digits and not of the picture: the strokes of a long line are thin
    crumbs = noise(source, height, width, max(1.0, unit)) + 0.8 * noise(source, height, width, max(1.0, 4 * unit))
    strength = 0.55 * min(1.0, 4 * unit)  # on a picture of few pixels each would count for many crumbs
    return cover * smoothstep(3 * blur(cover[None, None], 4 * unit)[0, 0] - 1.2 + strength * crumbs)
