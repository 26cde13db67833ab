"""From a picture of a digit to a latent that draws it, and to the style that can be drawn in other digits."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gan import sample
from gan.data.folder import border, opened
from gan.digits import attribute, style
from gan.digits.style import Axes, Style
from gan.metric.feature import Frozen
from gan.network import Generator

CANDIDATES = 500  # random latents, of which the nearest are starts
STARTS = 8
STEPS = 150
RATE = 0.05
PRIOR = 1e-3  # of the latent's mean square, so that it stays where digits are
FIRST_SEED = 3 * sample.SEEDS
USUAL = 2.5  # standard deviations within which styles are known to be drawn well
FAINT = 30  # bytes of range below which a picture shows nothing


class Inversion(NamedTuple):
    """A latent [D] that draws ``label`` as in a picture, its style, and the mean absolute error of pixels, of 1."""

    z: Tensor
    label: int
    style: Style
    error: float


def read(path: Path, size: int = 28) -> Tensor:
    """A picture of one digit, prepared as MNIST's are: [1, size, size] in [-1, 1], ink bright.

    The ink is fitted into 20/28 of the side and its centre of mass put in the middle; what is darker than its border counts as
    ink on paper. Raises ValueError where it cannot be read or shows nothing, FileNotFoundError where there is none.
    """
    if not path.is_file():
        raise FileNotFoundError(f"like: {path} does not exist: give a picture of one digit")
    grey = opened(path, 1).astype(np.float64)
    ink = np.abs(grey - border(grey))
    if ink.max() < FAINT:
        raise ValueError(f"like: {path} shows nothing: give a picture of one digit, dark on light or light on dark")
    ink /= ink.max()
    rows, columns = np.flatnonzero((ink > 0.3).any(1)), np.flatnonzero((ink > 0.3).any(0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = size * 20 / 28 / max(cut.shape)
    height, width = (max(1, round(side * scale)) for side in cut.shape)
    small = np.asarray(Image.fromarray(cut.astype(np.float32)).resize((width, height), Image.Resampling.BOX))
    if small.max() < 0.9:  # thin strokes pale when they shrink
        small = small / small.max()
    middle = (small.sum(1 - axis) @ np.arange(small.shape[axis]) / small.sum() for axis in (0, 1))
    top, left = (
        round(min(max(0, (size - 1) / 2 - centre), size - side)) for centre, side in zip(middle, small.shape, strict=True)
    )
    canvas = np.zeros((size, size), np.float32)
    canvas[top : top + height, left : left + width] = small
    return torch.from_numpy(canvas)[None] * 2 - 1


def invert(
    generator: Generator, axes: Axes, image: Tensor, label: int | None = None, reader: Frozen | None = None
) -> Inversion:
    """The latent whose digit is nearest to ``image`` [1, H, W] in [-1, 1], sharp and blurred, found by Adam.

    ``label`` is what it shows; None: what ``reader`` reads. Deterministic. The best of several starts, chosen by that distance.
    """
    if label is None:
        label = int(reader(image[None])[1].argmax()) if reader and generator.classes else -1
    y = torch.full((CANDIDATES,), label)
    z = sample.latents(torch.arange(CANDIDATES) + FIRST_SEED, generator.latent)
    x = torch.cat(list(sample.images(generator, z, y)))
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        z = z[_distance(x, image).argsort()[:STARTS]].requires_grad_()
        optimizer = torch.optim.Adam([z], lr=RATE)
        generator.train(False)
        for _ in range(STEPS):
            loss = (_distance(generator(z, y[:STARTS]), image) + PRIOR * z.square().mean(1)).sum()
            (z.grad,) = torch.autograd.grad(loss, [z])
            optimizer.step()
    z = z.detach()
    x = torch.cat(list(sample.images(generator, z, y[:STARTS])))
    best = int(_distance(x, image).argmin())
    measured = axes.standard(image[None], style.classes(y[:1]))[0].clamp(-USUAL, USUAL)
    found = Style(**dict(zip(attribute.NAMES, measured.tolist(), strict=True)))
    return Inversion(z[best], label, found, (x[best] - image).abs().mean().item() / 2)


def _distance(x: Tensor, image: Tensor) -> Tensor:
    """Mean square differences [N] of images [N, 1, H, W] from one, of pixels and of the means of 4x4, which pull from afar."""
    apart = x - image
    return apart.square().flatten(1).mean(1) + 2 * avg_pool2d(apart, 4, 2).square().flatten(1).mean(1)
