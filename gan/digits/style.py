"""Style that can be steered: directions of a generator's latent space along which one measured attribute changes.

In each class the attributes of Morpho-MNIST are close to linear in the latent (of the shipped generator's digits, of seeds that
it has not seen, a ridge regression explains 87 % of thickness, 93 % of slant and 81 % of width: ``gan/weights/style.json``), so
the smallest step that gives the wanted value is known in closed form. Of height it explains 37 %, since MNIST's digits were all
scaled to 20 pixels: height, and what is missing of slant and width after that step, is made by an affine map.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from gan import sample
from gan.digits import attribute
from gan.digits.given import real
from gan.image import warp
from gan.metric import cache
from gan.network import Generator

log = logging.getLogger(__name__)
SAMPLES = 8_000  # that directions are found from
FIRST_SEED = 2 * sample.SEEDS
RIDGE = 20.0  # added to each latent's sum of squares, which is several hundred
DAMPING = 0.02  # keeps an attribute that the latent says nothing of from driving it far away
IN_LATENT = (0, 1, 2)  # places of the attributes that the latent is steered for: not height, as above
SHIPPED = Path(__file__).parents[1] / "weights"  # holds the directions of the shipped generator
LARGEST = 3.0  # standard deviations; beyond, one digit in four is not read as itself


@dataclass(frozen=True)
class Style:
    """What is asked for, in standard deviations from the mean of each class; None: as it falls.

    Raises ValueError for what is not a number within 3.
    """

    thickness: float | None = None
    slant: float | None = None
    width: float | None = None
    height: float | None = None

    def __post_init__(self) -> None:
        for name in attribute.NAMES:
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, real(f"style.{name}", value, -LARGEST, LARGEST))

    @property
    def held(self) -> list[int]:
        """Places in :data:`attribute.NAMES` of what is asked for."""
        return [i for i, name in enumerate(attribute.NAMES) if getattr(self, name) is not None]

    @property
    def wanted(self) -> Tensor:
        """The values at :attr:`held`."""
        return torch.tensor([getattr(self, attribute.NAMES[i]) for i in self.held])


@dataclass(frozen=True)
class Axes:
    """How the attributes of a generator's digits follow from latents, for each of K classes.

    ``mean`` and ``std`` [K, 4] are of the measured attributes; standardised by them, an attribute is about
    ``weight`` [K, 4, D] times the latent plus ``bias`` [K, 4].
    """

    weight: Tensor
    bias: Tensor
    mean: Tensor
    std: Tensor

    def expected(self, z: Tensor, y: Tensor) -> Tensor:
        """The style [N, 4] that latents [N, D] should give in classes int64 [N], in standard deviations."""
        return (self.weight[y] @ z[:, :, None]).squeeze(2) + self.bias[y]

    def standard(self, x: Tensor, y: Tensor) -> Tensor:
        """The style [N, 4] that images [N, C, H, W] have, in standard deviations."""
        return (attribute.measure(x) - self.mean[y]) / self.std[y]

    def hand(self, z: Tensor) -> Tensor:
        """The style [N, 4] of the hands of latents [N, D]: the mean over all classes, which all but agree, at unit spread."""
        joint, shift = self.weight.mean(0), self.bias.mean(0)
        style: Tensor = (z @ joint.T + shift) / joint.norm(dim=1)
        return style

    def steer(self, z: Tensor, y: Tensor, wanted: Tensor, held: list[int]) -> Tensor:
        """Latents nearest to ``z`` [N, D] that should give the ``wanted`` values [N, A] of the attributes ``held`` [A]."""
        places = [i for i, one in enumerate(held) if one in IN_LATENT]
        if not places:
            return z
        held = [held[i] for i in places]
        w = self.weight[y][:, held]
        missing = wanted[:, places] - self.expected(z, y)[:, held]
        inner = w @ w.transpose(1, 2) + DAMPING * torch.eye(len(held))
        step: Tensor = w.transpose(1, 2) @ torch.linalg.solve(inner, missing[:, :, None])
        return z + step.squeeze(2)

    def finish(self, x: Tensor, y: Tensor, wanted: Tensor, held: list[int]) -> Tensor:
        """Images [N, C, H, W] leant and stretched until slant, width and height are the ``wanted`` [N, A] of ``held`` [A]."""
        if set(held) <= {0}:
            return x
        goal = self.mean[y].clone()
        box = attribute.frame(attribute.ink(x))
        goal[:, 1:] = torch.cat([box.shear.atan().rad2deg()[:, None], box.size], 1)
        goal[:, held] = (self.mean[y] + self.std[y] * _columns(wanted, held))[:, held]
        side = torch.tensor([x.shape[-1], x.shape[-2]]) - 2.0  # of the room for it: a pixel is left free all around
        shear, size = goal[:, 1].deg2rad().tan(), torch.minimum(goal[:, 2:].clamp(min=1.0), side)
        centre = torch.minimum(torch.maximum(box.centre, size / 2 + 1), side + 1 - size / 2)  # so that it lies inside
        return reshape(x, box, attribute.Frame(shear, size, centre))


def _columns(wanted: Tensor, held: list[int]) -> Tensor:
    """Values [N, A] in their places among all attributes: [N, 4]."""
    full = wanted.new_zeros(len(wanted), len(attribute.NAMES))
    full[:, held] = wanted
    return full


def reshape(x: Tensor, box: attribute.Frame, to: attribute.Frame) -> Tensor:
    """Map what is in the parallelograms ``box`` of images [N, C, H, W] to the parallelograms ``to``."""
    h, w = x.shape[2:]
    right, down = torch.meshgrid(torch.arange(w) + 0.5, torch.arange(h) + 0.5, indexing="xy")
    down = down - to.centre[:, 1, None, None]
    right = right - to.centre[:, 0, None, None] + to.shear[:, None, None] * down  # of the new box, upright
    right, down = (part * (box.size / to.size)[:, i, None, None] for i, part in enumerate((right, down)))
    right = right - box.shear[:, None, None] * down
    place = torch.stack([right + box.centre[:, 0, None, None], down + box.centre[:, 1, None, None]], 3)
    return warp(x, place * 2 / torch.tensor([w, h]) - 1)


def classes(y: Tensor) -> Tensor:
    """Where labels int64 [N] stand in :class:`Axes`: that of no label, -1, is 0, as a generator without classes has one row."""
    return y.clamp(min=0)


def find(generator: Generator, samples: int = SAMPLES) -> Axes:
    """Directions by ridge regression of the measured attributes on the latents of ``samples`` digits; 2 ms for each."""
    log.warning("style: its directions are measured in %s digits of this generator, once; some 15 seconds", f"{samples:,}")
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


def axes(generator: Generator, folder: Path) -> Axes:
    """The directions of a generator, shipped or found before and kept in ``folder``, else found now, in some 15 seconds."""
    parts = [value.detach().cpu().float() for value in (*generator.parameters(), *generator.buffers())]
    name = f"style-{cache.key(*parts, str(SAMPLES))[:16]}"
    folder = SHIPPED if (SHIPPED / name).is_file() else folder
    return Axes(**cache.remember(folder, name, lambda: vars(find(generator))))
