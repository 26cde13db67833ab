"""Photographs of printed digits, made from arrays: tilt, light, a table's edge, noise, JPEG."""

import io

import numpy as np
from PIL import Image
from scipy import ndimage

HEIGHT, WIDTH = 600, 800


def photograph(digit: np.ndarray | None, seed: int, uneven: bool = False, table: bool = True) -> bytes:
    """A JPEG of bytes [28, 28], ink bright, printed dark on white paper; None: of blank paper.

    ``uneven``: light that falls to a third, and a soft shadow across the digit.
    """
    source = np.random.default_rng(seed)
    reflected = np.full((HEIGHT, WIDTH), 0.95)
    middle = np.array([HEIGHT, WIDTH]) / 2 + source.uniform(-0.1, 0.1, 2) * HEIGHT
    if digit is not None:
        lay(reflected, digit, int(source.uniform(130, 320)), middle)
    if table:
        _lay_on_table(reflected, source)
    turned = _tilt(reflected, source)
    light = turned * _shine(middle, source, uneven)
    light = ndimage.gaussian_filter(light, source.uniform(0.7, 1.6))
    light += source.normal(0, 0.015, light.shape) + ndimage.gaussian_filter(source.normal(0, 0.02, light.shape), 1)
    tint = 1 - np.array([0, 0.4, 1]) * source.uniform(0, 0.2)
    pixels = (light[..., None] * tint * 255).clip(0, 255).astype(np.uint8)
    contents = io.BytesIO()
    Image.fromarray(pixels).save(contents, format="JPEG", quality=int(source.uniform(55, 90)))
    return contents.getvalue()


def lay(reflected: np.ndarray, digit: np.ndarray, side: int, middle: np.ndarray) -> None:
    """Print a digit, ``side`` pixels high with its cell, on a picture [H, W] around ``middle``."""
    cell = Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)
    top, left = (middle - side / 2).astype(int)
    reflected[top : top + side, left : left + side] -= 0.8 * np.asarray(cell) / 255


def _lay_on_table(reflected: np.ndarray, source: np.random.Generator) -> None:
    """Beyond one side of the paper, some 15 % from the picture's, is a darker table of wood."""
    side, slope = int(source.integers(4)), source.uniform(-0.08, 0.08)
    seen = np.rot90(reflected, side)
    down, right = np.mgrid[: seen.shape[0], : seen.shape[1]]
    grains = ndimage.gaussian_filter(source.normal(0, 1, seen.shape), (1, 30))
    wood = source.uniform(0.15, 0.5) + 0.4 * grains
    np.copyto(seen, wood, where=down < source.uniform(0.04, 0.14) * HEIGHT + slope * right)


def _tilt(picture: np.ndarray, source: np.random.Generator) -> np.ndarray:
    """The picture seen aslant: its corners lie up to 5 % of the side elsewhere."""
    corners = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], float)
    seen = corners + source.uniform(-0.05, 0.05, (4, 2)) * WIDTH
    inside = (corners - [WIDTH / 2, HEIGHT / 2]) * 0.9 + [WIDTH / 2, HEIGHT / 2]  # no corner beyond the paper
    rows = []
    for (x, y), (u, v) in zip(corners, inside + (seen - corners), strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    found = np.linalg.solve(np.array(rows), (inside + (seen - corners)).ravel())
    image = Image.fromarray(picture.astype(np.float32))
    turned = image.transform((WIDTH, HEIGHT), Image.Transform.PERSPECTIVE, found.tolist(), Image.Resampling.BILINEAR)
    return np.asarray(turned)


def _shine(middle: np.ndarray, source: np.random.Generator, uneven: bool) -> np.ndarray:
    """Light [H, W] in [0, 1] that falls on the picture."""
    down, right = np.mgrid[:HEIGHT, :WIDTH]
    far = np.hypot(down - HEIGHT / 2, right - WIDTH / 2) / np.hypot(HEIGHT, WIDTH) * 2
    light = source.uniform(0.85, 1) * (1 - (0.35 if uneven else 0.1) * far**2)
    if uneven:
        angle = source.uniform(0, 2 * np.pi)
        along = np.cos(angle) * (down / HEIGHT - 0.5) + np.sin(angle) * (right / WIDTH - 0.5)
        light *= 1 / 3 + 2 / 3 * (along - along.min()) / np.ptp(along)
        angle = source.uniform(0, 2 * np.pi)
        across = np.cos(angle) * (down - middle[0]) + np.sin(angle) * (right - middle[1])
        dark = source.uniform(0.45, 0.65)
        light *= dark + (1 - dark) / (1 + np.exp(-across / source.uniform(8, 25)))
    return light
