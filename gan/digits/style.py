"""Steering style: directions of the latent space along which one measured attribute changes.

Within a class, attributes are nearly linear in the latent, so the smallest step to a value has a
closed form. Ridge regression explains 87 % of thickness, 93 % of slant and 81 % of width on unseen
digits (``gan/weights/style.json``), but 37 % of height, since MNIST scales all digits to 20 pixels.
An affine map of the image corrects the height, and what is left of slant and width.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from gan import cache, sample
from gan.digits import attribute
from gan.image import warp
from gan.network import Generator
from gan.validate import number

log = logging.getLogger(__name__)
SAMPLES = 8_000  # digits that directions are measured on
FIRST_SEED = 2 * sample.SEEDS
RIDGE = 20.0  # added to the sum of squares of each latent, which is several hundred
DAMPING = 0.02  # limits the step for an attribute that the latent hardly explains
IN_LATENT = 3  # attributes that the latent steers: all but height
SHIPPED = Path(__file__).parents[1] / "weights"  # with the directions of the shipped generator
LARGEST = 3.0  # standard deviations; beyond, a quarter of the digits are misread


@dataclass
class Style:
    """Attributes in standard deviations from the mean of a class; UserError outside [-3, 3]."""

    thickness: float | None = None
    slant: float | None = None
    width: float | None = None
    height: float | None = None

    def __post_init__(self) -> None:
        for name in attribute.NAMES:
            value = getattr(self, name)
            if value is not None:
                setattr(self, name, number(f"style.{name}", value, -LARGEST, LARGEST))

    @property
    def held(self) -> Tensor:
        """Which of :data:`attribute.NAMES` are wanted, bool [4]."""
        return torch.tensor([getattr(self, name) is not None for name in attribute.NAMES])

    def filled(self, other: "Style", names: Sequence[str] = attribute.NAMES) -> "Style":
        """This style, with those of the attributes ``names`` that are None as in ``other``."""
        return replace(self, **{name: getattr(other, name) for name in names if getattr(self, name) is None})

    @property
    def wanted(self) -> Tensor:
        """The wanted attributes [4], 0 for those that are not :attr:`held`."""
        return torch.tensor([float(getattr(self, name) or 0) for name in attribute.NAMES])


@dataclass(frozen=True)
class Axes:
    """Standardised attributes of K classes are about ``weight`` times the latent plus ``bias``.

    The class ``y`` of digits is a label, int64 [N], or shares of classes that sum to 1, [N, K].
    Label -1, of generators without classes, takes their only row. What is ``held``, bool [4] or
    [N, 4], is as a ``style`` [4] or [N, 4] wants it; there, other attributes do not count.
    """

    weight: Tensor  # [K, 4, D]
    bias: Tensor  # [K, 4]
    mean: Tensor  # [K, 4], of the measured attributes
    std: Tensor  # [K, 4]

    def of(self, y: Tensor) -> "Axes":
        """The axes of each digit: [N, 4, D] and [N, 4]."""
        parts = (self.weight, self.bias, self.mean, self.std)
        if y.ndim == 1:
            return Axes(*(part[y] for part in parts))
        return Axes(*((y @ part.flatten(1)).unflatten(1, part.shape[1:]) for part in parts))

    def expected(self, z: Tensor, y: Tensor) -> Tensor:
        """The style [N, 4] that latents [N, D] should give."""
        axes = self.of(y)
        return (axes.weight @ z[:, :, None]).squeeze(2) + axes.bias

    def standard(self, x: Tensor, y: Tensor) -> Tensor:
        """The style [N, 4] measured on images [N, C, H, W], in standard deviations."""
        axes = self.of(y)
        return (attribute.measure(x) - axes.mean) / axes.std

    def measured(self, style: Tensor, y: Tensor) -> Tensor:
        """The attributes [N, 4] of a style, in their units: the inverse of :meth:`standard`."""
        axes = self.of(y)
        return axes.mean + axes.std * style

    def hand_style(self, z: Tensor) -> Tensor:
        """The style [N, 4] of the hands of latents [N, D]: the classes' mean, at unit variance."""
        joint, shift = self.weight.mean(0), self.bias.mean(0)
        style: Tensor = (z @ joint.T + shift) / joint.norm(dim=1).clamp(min=1e-3)
        return style

    def steer(self, z: Tensor, y: Tensor, style: Tensor, held: Tensor) -> Tensor:
        """Latents nearest to ``z`` [N, D] that should give the style; height stays."""
        w = (self.of(y).weight * held[..., None])[:, :IN_LATENT]
        missing = ((style - self.expected(z, y)) * held)[:, :IN_LATENT]
        step = w.mT @ (_inverse(w @ w.mT + DAMPING * torch.eye(IN_LATENT)) @ missing[:, :, None])
        return z + step.squeeze(2)

    def finish(self, x: Tensor, y: Tensor, style: Tensor, held: Tensor) -> Tensor:
        """Shear and stretch images [N, C, H, W] to the slant, width and height of the style."""
        return reframe(x, self.measured(style, y), held) if held[..., 1:].any() else x


def _inverse(a: Tensor) -> Tensor:
    """The inverse of symmetric matrices [N, 3, 3], by cofactors: ONNX has no solver."""

    def moved(down: int, right: int) -> Tensor:
        return a.flatten(1)[:, [(i + down) % 3 * 3 + (j + right) % 3 for i in range(3) for j in range(3)]]

    cofactors = (moved(1, 1) * moved(2, 2) - moved(1, 2) * moved(2, 1)).unflatten(1, (3, 3))
    inverse: Tensor = cofactors / (a[:, 0] * cofactors[:, 0]).sum(1)[:, None, None]
    return inverse


def reframe(x: Tensor, wanted: Tensor, held: Tensor) -> Tensor:
    """Shear and stretch images [N, C, H, W] to the ``wanted`` attributes [N, 4], in their units.

    Of what is not ``held``, bool [4] or [N, 4], images stay as they are.
    """
    box = attribute.frame(attribute.ink(x))
    own = torch.cat([box.shear.atan().rad2deg()[:, None], box.size], 1)
    goal = torch.where(held[..., 1:], wanted[:, 1:], own)
    room = torch.tensor([x.shape[-1], x.shape[-2]]) - 2.0  # leaves a pixel free all around
    shear, size = goal[:, 0].deg2rad().tan(), torch.minimum(goal[:, 1:].clamp(min=1.0), room)
    centre = torch.minimum(torch.maximum(box.centre, size / 2 + 1), room + 1 - size / 2)
    return reshape(x, box, attribute.Frame(shear, size, centre))


def reshape(x: Tensor, box: attribute.Frame, to: attribute.Frame) -> Tensor:
    """Map the parallelograms ``box`` of images [N, C, H, W] to the parallelograms ``to``."""
    h, w = x.shape[2:]
    right, down = torch.meshgrid(torch.arange(w) + 0.5, torch.arange(h) + 0.5, indexing="xy")
    down = down - to.centre[:, 1, None, None]
    right = right - to.centre[:, 0, None, None] + to.shear[:, None, None] * down  # of the new box, upright
    right, down = (part * (box.size / to.size)[:, i, None, None] for i, part in enumerate((right, down)))
    right = right - box.shear[:, None, None] * down
    source = torch.stack([right + box.centre[:, 0, None, None], down + box.centre[:, 1, None, None]], 3)
    return warp(x, source * 2 / torch.tensor([w, h]) - 1)


def find_axes(generator: Generator, samples: int = SAMPLES) -> Axes:
    """Find directions by ridge regression of attributes on latents; takes 2 ms for each digit."""
    log.warning("style: measuring directions on %s digits of this generator, once; some 15 seconds", f"{samples:,}")
    seeds = torch.arange(samples) + FIRST_SEED
    y = sample.labels(seeds, generator.classes)
    z = sample.latents(seeds, generator.latent)
    found = torch.cat([attribute.measure(x) for x in sample.generate(generator, seeds, y)])
    rows = [_regress(z[y == label], found[y == label]) for label in y.unique().tolist()]
    return Axes(*(torch.stack(part) for part in zip(*rows, strict=True)))


def _regress(z: Tensor, found: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One class of :class:`Axes` from latents [N, D] and attributes [N, 4]."""
    mean, std = found.mean(0), found.std(0).clamp(min=1e-3)
    design = torch.cat([z, torch.ones(len(z), 1)], 1)
    normal = design.T @ design + RIDGE * torch.eye(design.shape[1])
    solved = torch.linalg.solve(normal, design.T @ ((found - mean) / std))
    return solved[:-1].T, solved[-1], mean, std


def load_axes(generator: Generator, folder: Path) -> Axes:
    """Load the directions of a generator: shipped, cached in ``folder``, or found in 15 seconds."""
    parts = [value.detach().cpu().float() for value in (*generator.parameters(), *generator.buffers())]
    name = f"style-{cache.key(*parts, str(SAMPLES))[:16]}"
    folder = SHIPPED if (SHIPPED / name).is_file() else folder
    return Axes(**cache.cached(folder, name, lambda: vars(find_axes(generator))))
