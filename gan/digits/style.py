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
IN_LATENT = (0, 1, 2)  # attributes that the latent steers: all but height
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
    def held(self) -> list[int]:
        """Indices in :data:`attribute.NAMES` of the wanted attributes."""
        return [i for i, name in enumerate(attribute.NAMES) if getattr(self, name) is not None]

    def filled(self, other: "Style", names: Sequence[str] = attribute.NAMES) -> "Style":
        """This style, with those of the attributes ``names`` that are None as in ``other``."""
        return replace(self, **{name: getattr(other, name) for name in names if getattr(self, name) is None})

    @property
    def wanted(self) -> Tensor:
        """The values at :attr:`held`."""
        return torch.tensor([getattr(self, attribute.NAMES[i]) for i in self.held])


@dataclass(frozen=True)
class Axes:
    """Standardised attributes of K classes are about ``weight`` times the latent plus ``bias``.

    Labels are int64 [N]; -1, of generators without classes, takes their only row.
    """

    weight: Tensor  # [K, 4, D]
    bias: Tensor  # [K, 4]
    mean: Tensor  # [K, 4], of the measured attributes
    std: Tensor  # [K, 4]

    def expected(self, z: Tensor, y: Tensor) -> Tensor:
        """The style [N, 4] that latents [N, D] should give."""
        return (self.weight[y] @ z[:, :, None]).squeeze(2) + self.bias[y]

    def standard(self, x: Tensor, y: Tensor) -> Tensor:
        """The style [N, 4] measured on images [N, C, H, W], in standard deviations."""
        return (attribute.measure(x) - self.mean[y]) / self.std[y]

    def hand_style(self, z: Tensor) -> Tensor:
        """The style [N, 4] of the hands of latents [N, D]: the classes' mean, at unit variance."""
        joint, shift = self.weight.mean(0), self.bias.mean(0)
        style: Tensor = (z @ joint.T + shift) / joint.norm(dim=1)
        return style

    def steer(self, z: Tensor, y: Tensor, wanted: Tensor, held: list[int]) -> Tensor:
        """Latents nearest to ``z`` [N, D] with the ``wanted`` [N, A] of attributes ``held``."""
        steered = [i for i, one in enumerate(held) if one in IN_LATENT]
        if not steered:
            return z
        held = [held[i] for i in steered]
        w = self.weight[y][:, held]
        missing = wanted[:, steered] - self.expected(z, y)[:, held]
        inner = w @ w.mT + DAMPING * torch.eye(len(held))
        step: Tensor = w.mT @ torch.linalg.solve(inner, missing[:, :, None])
        return z + step.squeeze(2)

    def finish(self, x: Tensor, y: Tensor, wanted: Tensor, held: list[int]) -> Tensor:
        """Shear and stretch images [N, C, H, W] to the ``wanted`` [N, A] of ``held`` [A]."""
        if set(held) <= {0}:
            return x
        box = attribute.frame(attribute.ink(x))
        goal = self.mean[y].clone()
        goal[:, 1:] = attributes_of(box)
        goal[:, held] = self.mean[y][:, held] + self.std[y][:, held] * wanted
        return reframe(x, box, goal[:, 1:])


def attributes_of(box: attribute.Frame) -> Tensor:
    """Slant, width and height [N, 3] of parallelograms, as :data:`attribute.NAMES` has them."""
    return torch.cat([box.shear.atan().rad2deg()[:, None], box.size], 1)


def reframe(x: Tensor, box: attribute.Frame, goal: Tensor) -> Tensor:
    """Shear and stretch images [N, C, H, W] from parallelograms to slant, width, height [N, 3]."""
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
