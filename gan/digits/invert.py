"""From a picture of a digit to a latent that draws it, and to the style that can be drawn in other digits."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gan import sample
from gan.data.folder import border, opened
from gan.digits import attribute, style
from gan.digits.picture import Picture
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


@dataclass(frozen=True, eq=False, repr=False)
class Inversion:
    """A latent [D] that draws ``label`` as in a picture, its style, and the mean absolute error of pixels, of 1.

    ``images`` [2, 1, H, W] in [-1, 1] are the picture and the drawing, which a notebook shows side by side.
    """

    z: Tensor
    label: int
    style: Style
    error: float
    images: Tensor

    def __repr__(self) -> str:
        found = ", ".join(f"{name} {getattr(self.style, name):+.1f}" for name in attribute.NAMES)
        return f"Inversion(label {self.label}, {found}, error {self.error:.3f})"

    def _repr_png_(self) -> bytes:
        return Picture(torch.cat(list(self.images), 2))._repr_png_()


def read(path: Path, size: int = 28) -> Tensor:
    """A picture of one digit, prepared as MNIST's are: [1, size, size] in [-1, 1], ink bright.

    Ink is what differs from the picture's border. It is fitted into 20/28 of the side and its centre of mass put in the middle.
    Raises ValueError where the file cannot be read or shows nothing, FileNotFoundError where there is none.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"like: {path} {what}: give a picture of one digit")
    try:
        grey = opened(path, 1).astype(np.float64)
    except ValueError as error:
        raise ValueError(f"like: {path} cannot be read as an image: give a picture of one digit") from error
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
    device = next(generator.parameters()).device
    with torch.random.fork_rng(devices=[]), sample.evaluating(generator), torch.enable_grad():
        z = z[_distance(x, image).argsort()[:STARTS]].to(device).requires_grad_()
        labels, goal = y[:STARTS].to(device), image.to(device)
        optimizer = torch.optim.Adam([z], lr=RATE)
        for _ in range(STEPS):
            loss = (_distance(generator(z, labels), goal) + PRIOR * z.square().mean(1)).sum()
            (z.grad,) = torch.autograd.grad(loss, [z])
            optimizer.step()
    z = z.detach().cpu()
    x = torch.cat(list(sample.images(generator, z, y[:STARTS])))
    best = int(_distance(x, image).argmin())
    measured = axes.standard(image[None], style.classes(y[:1]))[0].clamp(-USUAL, USUAL)
    found = Style(**dict(zip(attribute.NAMES, measured.tolist(), strict=True)))
    return Inversion(z[best], label, found, (x[best] - image).abs().mean().item() / 2, torch.stack([image, x[best]]))


def _distance(x: Tensor, image: Tensor) -> Tensor:
    """Mean square differences [N] of images [N, 1, H, W] from one, of pixels and of the means of 4x4, which pull from afar."""
    apart = x - image
    return apart.square().flatten(1).mean(1) + 2 * avg_pool2d(apart, 4, 2).square().flatten(1).mean(1)
