"""Inversion: from a picture of a digit to a latent that draws it, and to its style."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gan import sample
from gan.digits import attribute
from gan.digits.picture import Picture
from gan.digits.style import Axes, Style
from gan.error import UserError
from gan.image import border, load_picture
from gan.metric.feature import Frozen
from gan.network import Generator

CANDIDATES = 500  # random latents; the search starts at the nearest ones
STARTS = 8
STEPS = 150
PRIOR = 1e-3  # weight of the latent's mean square, which keeps it among usual latents
FIRST_SEED = 3 * sample.SEEDS
USUAL = 2.5  # standard deviations within which styles are drawn well
FAINT = 30  # a picture whose bytes differ less from its border shows nothing


@dataclass(frozen=True, eq=False, repr=False)
class Inversion:
    """A latent that draws a digit as a picture shows it."""

    z: Tensor  # [D]
    label: int
    style: Style  # of the picture
    error: float  # mean absolute error of pixels in [0, 1]
    images: Tensor  # [2, 1, H, W] in [-1, 1]: the picture and the drawing

    def __repr__(self) -> str:
        found = ", ".join(f"{name} {getattr(self.style, name):+.1f}" for name in attribute.NAMES)
        return f"Inversion(label {self.label}, {found}, error {self.error:.3f})"

    def _repr_png_(self) -> bytes:
        return Picture(torch.cat(list(self.images), 2))._repr_png_()


def load_digit(path: Path, size: int = 28) -> Tensor:
    """Load a picture of one digit, prepared as MNIST's: [1, size, size] in [-1, 1], ink bright.

    The ink, which differs from the border, is scaled to 20/28 of the side and centred by its mass.
    Raises FileNotFoundError without a file, UserError if it is no picture or shows nothing.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"like: {path} {what}: give a picture of one digit")
    try:
        grey = load_picture(path, 1).astype(np.float64)
    except UserError as error:
        raise UserError(f"like: {path} cannot be read as an image: give a picture of one digit") from error
    ink = np.abs(grey - border(grey))
    if ink.max() < FAINT:
        raise UserError(f"like: {path} shows nothing: give a picture of one digit, dark on light or light on dark")
    ink /= ink.max()
    rows, columns = (np.flatnonzero((ink > 0.3).any(axis)) for axis in (1, 0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = size * 20 / 28 / max(cut.shape)
    height, width = (max(1, round(side * scale)) for side in cut.shape)
    small = np.asarray(Image.fromarray(cut.astype(np.float32)).resize((width, height), Image.Resampling.BOX))
    if small.max() < 0.9:  # thin strokes pale when they shrink
        small = small / small.max()
    part = []
    for axis, side in enumerate(small.shape):
        centre = small.sum(1 - axis) @ np.arange(side) / small.sum()
        start = round(min(max(0, (size - 1) / 2 - centre), size - side))
        part.append(slice(start, start + side))
    canvas = np.zeros((size, size), np.float32)
    canvas[tuple(part)] = small
    return torch.from_numpy(canvas)[None] * 2 - 1


def invert(
    generator: Generator, axes: Axes, image: Tensor, label: int | None = None, reader: Frozen | None = None
) -> Inversion:
    """Find the latent whose digit is nearest to ``image`` [1, H, W] in [-1, 1]; deterministic.

    ``label`` is the digit in the image; None: what ``reader`` classifies it as.
    """
    if label is None:
        label = int(reader(image[None])[1].argmax()) if reader and generator.classes else -1
    y = torch.full((CANDIDATES,), label)
    z = sample.latents(torch.arange(CANDIDATES) + FIRST_SEED, generator.latent)
    x = torch.cat(list(sample.images(generator, z, y)))
    device = next(generator.parameters()).device
    with torch.random.fork_rng(devices=[]), sample.evaluating(generator), torch.enable_grad():
        z = z[_distance(x, image).argsort()[:STARTS]].to(device).requires_grad_()
        labels, goal = y[:STARTS].to(device), image.to(device)
        optimizer = torch.optim.Adam([z], lr=0.05)
        for _ in range(STEPS):
            loss = (_distance(generator(z, labels), goal) + PRIOR * z.square().mean(1)).sum()
            (z.grad,) = torch.autograd.grad(loss, [z])
            optimizer.step()
    z = z.detach().cpu()
    x = torch.cat(list(sample.images(generator, z, y[:STARTS])))
    best = int(_distance(x, image).argmin())
    found = Style(*axes.standard(image[None], y[:1])[0].clamp(-USUAL, USUAL).tolist())
    return Inversion(z[best], label, found, (x[best] - image).abs().mean().item() / 2, torch.stack([image, x[best]]))


def _distance(x: Tensor, image: Tensor) -> Tensor:
    """Mean square differences [N] of images [N, 1, H, W] from one: of pixels and of 4x4 means."""
    apart = x - image
    return apart.square().flatten(1).mean(1) + 2 * avg_pool2d(apart, 4, 2).square().flatten(1).mean(1)
