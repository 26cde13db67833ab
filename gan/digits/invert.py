"""Inversion: from a picture of a digit to a latent that draws it, and to its style."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gan import sample
from gan.digits import attribute
from gan.digits.encoder import PRIOR, Encoder, distance, error, residuals
from gan.digits.look import Look
from gan.digits.photograph import ONE_DIGIT, find_ink
from gan.digits.picture import Picture
from gan.digits.style import Axes, Style
from gan.error import UserError
from gan.image import load_picture
from gan.metric.feature import Frozen
from gan.network import Generator

CANDIDATES = 500  # random latents; the search starts at the nearest ones
STARTS = 8
STEPS = 150
NEWTON_STEPS = 8  # from the latent of an encoder
NUDGE = 0.02  # of each latent, to see how the digit changes
DAMPINGS = (0.03, 0.3, 3.0)  # shares of the mean curvature
SURE = 0.9  # probability of the label, and
POOR = 0.06  # error: digits in 100 photographs had up to 0.04, scribbles from 0.08
FIRST_SEED = 3 * sample.SEEDS
USUAL = 2.5  # standard deviations within which styles are drawn well
Found = tuple[Tensor, Tensor, float]  # a latent [D], the digit [1, H, W] that it draws, its error


@dataclass(frozen=True, eq=False, repr=False)
class Inversion:
    """A latent that draws a digit as a picture shows it; also the mean of several digits."""

    z: Tensor  # [D]
    label: int  # of several digits, that of the first
    style: Style  # of the picture
    error: float  # mean absolute error of pixels in [0, 1]
    images: Tensor  # [2, 1, H, W] in [-1, 1]: the picture and the drawing; two of each digit

    def __repr__(self) -> str:
        found = ", ".join(f"{name} {getattr(self.style, name):+.1f}" for name in attribute.NAMES)
        return f"Inversion(label {self.label}, {found}, error {self.error:.3f})"

    def _repr_png_(self) -> bytes:
        return Picture(torch.cat(list(self.images), 2), Look(height=0))._repr_png_()  # as pixels


Shown = Inversion | str | Path  # a digit: found, or the path of its picture
Hand = Shown | list[Shown] | tuple[Shown, ...] | None  # of lines


def mean_hand(digits: Sequence[Inversion]) -> Inversion:
    """The hand of one writer, from some digits: their mean latent, and their mean style.

    What differs between the digits cancels in the mean, so it is scaled to their mean norm: the
    generator knows latents of that norm. Raises UserError without digits.
    """
    if not digits:
        raise UserError(f"like: there is no picture: {ONE_DIGIT}, or several")
    if len(digits) == 1:
        return digits[0]
    z = torch.stack([one.z for one in digits])
    mean = z.mean(0)
    mean *= z.norm(dim=1).mean() / mean.norm().clamp(min=1e-6)
    style = torch.stack([one.style.wanted for one in digits]).mean(0)
    error, images = sum(one.error for one in digits) / len(digits), torch.cat([one.images for one in digits])
    return Inversion(mean, digits[0].label, Style(*style.tolist()), error, images)


def load_digit(path: str | Path, size: int = 28) -> Tensor:
    """Load a picture of one digit, prepared as MNIST's: [1, size, size] in [-1, 1], ink bright.

    The ink, see :mod:`gan.digits.photograph`, is scaled to 20/28 of the side and centred by its
    mass. Raises FileNotFoundError without a file, UserError if it is no picture of one digit.
    """
    if not isinstance(path, str | Path):
        raise UserError(f"like must be the path of a picture, a result of lab.like, or a list of these, got {path!r}")
    path = Path(path).expanduser()
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is no ordinary file" if path.exists() else "does not exist"
        raise FileNotFoundError(f"like: {path} {what}: give a picture of one digit")
    try:
        grey = load_picture(path, 1)
    except UserError as error:
        why = error.__cause__ if isinstance(error.__cause__, ValueError | Image.DecompressionBombError) else None
        reason = f" ({why})" if why else ""
        raise UserError(f"like: {path} cannot be read as an image{reason}: give a picture of one digit") from error
    try:
        cut = find_ink(grey)
    except UserError as error:
        raise UserError(f"like: {path} {error}") from None
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
    generator: Generator,
    axes: Axes,
    image: Tensor,
    label: int | None = None,
    reader: Frozen | None = None,
    encoder: Encoder | None = None,
) -> Inversion:
    """Find the latent whose digit is nearest to ``image`` [1, H, W] in [-1, 1]; deterministic.

    ``label`` is the digit in the image; None: what ``reader`` classifies it as. The search starts
    at the latent of ``encoder``; without one, or if that leads nowhere, at the nearest of random
    ones. Raises UserError if the label is uncertain, or if no digit of the generator is like the
    image.
    """
    if label is None:
        label = _classify(image, reader) if reader and generator.classes else -1
    y, apart = torch.tensor([label]), float("inf")
    if encoder:
        with torch.no_grad():
            z, x, apart = _approach(generator, image, encoder(image[None], y), y)
    if apart > POOR:
        z, x, apart = _search(generator, image, y)
    if apart > POOR:
        named = f"the nearest {label}" if label >= 0 else "the nearest digit"
        remedy = "crop the picture to one digit, take it in more light, or give another label="
        raise UserError(f"like: {named} differs by {apart:.1%} of full ink, more than {POOR:.0%}: {remedy}")
    found = Style(*axes.standard(image[None], y)[0].clamp(-USUAL, USUAL).tolist())
    return Inversion(z, label, found, apart, torch.stack([image, x]))


def _approach(generator: Generator, image: Tensor, z: Tensor, y: Tensor) -> Found:
    """Go from a latent [1, D] to the digit nearest to ``image`` by Levenberg-Marquardt.

    Each step tries several dampings (Marquardt 1963) and takes the best, if it is better.
    """
    eye = torch.eye(z.shape[1])

    def draw(z: Tensor) -> Tensor:
        return torch.cat(list(sample.images(generator, z, y.expand(len(z)))))

    for _ in range(NEWTON_STEPS):
        here, *nudged = residuals(draw(torch.cat([z, z + NUDGE * eye])), image)
        slope = (torch.stack(nudged) - here) / NUDGE  # [D, R]
        curve = slope @ slope.T + PRIOR / len(eye) * eye
        down = slope @ here + PRIOR / len(eye) * z[0]
        damped = torch.stack([curve + share * curve.diagonal().mean() * eye for share in DAMPINGS])
        tried = torch.cat([z, z - torch.linalg.solve(damped, down)])
        x = draw(tried)
        best = int((distance(x, image) + PRIOR * tried.square().mean(1)).argmin())
        z = tried[best : best + 1]
    return z[0], x[best], error(x[best], image).item()


def _search(generator: Generator, image: Tensor, y: Tensor) -> Found:
    """Go from random latents, those that draw the nearest digits, by gradients; take the best."""
    y = y.expand(CANDIDATES)
    z = sample.latents(torch.arange(CANDIDATES) + FIRST_SEED, generator.latent)
    x = torch.cat(list(sample.images(generator, z, y)))
    device = next(generator.parameters()).device
    with torch.random.fork_rng(devices=[]), sample.evaluating(generator), torch.enable_grad():
        z = z[distance(x, image).argsort()[:STARTS]].to(device).requires_grad_()
        labels, goal = y[:STARTS].to(device), image.to(device)
        optimizer = torch.optim.Adam([z], lr=0.05)
        for _ in range(STEPS):
            loss = (distance(generator(z, labels), goal) + PRIOR * z.square().mean(1)).sum()
            (z.grad,) = torch.autograd.grad(loss, [z])
            optimizer.step()
    z = z.detach().cpu()
    x = torch.cat(list(sample.images(generator, z, y[:STARTS])))
    best = int(distance(x, image).argmin())
    return z[best], x[best], error(x[best], image).item()


def _classify(image: Tensor, reader: Frozen) -> int:
    """The label of an image [1, H, W]. Raises UserError, naming two, unless it is certain."""
    chances, labels = reader(image[None])[1].softmax(1)[0].topk(2)
    first, second = (f"{label} ({chance:.0%})" for label, chance in zip(labels.tolist(), chances.tolist(), strict=True))
    if chances[0] < SURE:
        raise UserError(f"like: the picture may show {first} or {second}: give label=, or crop it to one digit")
    return int(labels[0])
