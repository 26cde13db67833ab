"""Figures of sliders: whether digits get the asked style, by the latent and by the affine map."""

from typing import Any

import torch
from scipy.stats import spearmanr
from torch import Tensor

from gan import checkpoint, sample
from gan.digits import attribute
from gan.digits.picture import Digits, Picture
from gan.digits.style import FIRST_SEED, IN_LATENT, SAMPLES
from gan.lab import Lab
from gan.metric import feature

REACH = 2.0  # standard deviations to either side, the range of the correlation
STEPS = (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0)  # standard deviations


def measure_sliders(lab: Lab, count: int, seed: int) -> dict[str, Any]:
    """For each attribute, figures of ``count`` digits at random values and at the steps."""
    seeds = torch.arange(count) + 10**6
    y, z = sample.labels(seeds, 10), sample.latents(seeds, lab.generator.latent)
    asked = (torch.rand(count, 1, generator=torch.Generator().manual_seed(seed)) * 2 - 1) * REACH
    found: dict[str, Any] = {name: measure_slider(lab, z, y, asked, i) for i, name in enumerate(attribute.NAMES)}
    plain = torch.cat(list(sample.images(lab.generator, z, y)))
    return found | {"digits": count, "reach": REACH, "read without": _accuracy(plain, y)}


def measure_slider(lab: Lab, z: Tensor, y: Tensor, asked: Tensor, place: int) -> dict[str, Any]:
    """Spearman's correlation of ``asked`` [N, 1] with measured values; what each step attains."""
    by_latent, x = apply_style(lab, z, y, asked, place)
    got, got_by_latent = (lab.axes.standard(images, y)[:, place] for images in (x, by_latent))
    found = {
        "spearman": _correlate(asked, got),
        "by the latent alone": _correlate(asked, got_by_latent) if place < IN_LATENT else None,
        "worst class": min(_correlate(asked[y == label], got[y == label]) for label in range(10)),
        "read": _accuracy(x, y),
    }
    each, steps = len(z) // len(STEPS), {}
    asked = torch.tensor(STEPS).repeat_interleave(each)[:, None]
    z, y = z[: len(asked)], y[: len(asked)]
    _, x = apply_style(lab, z, y, asked, place)
    attained = lab.axes.standard(x, y)[:, place]
    for step, values, images, labels in zip(STEPS, *(part.split(each) for part in (attained, x, y)), strict=True):
        steps[f"{step:+g}"] = {"attained": values.mean().item(), "read": _accuracy(images, labels)}
    return found | {"asked": steps}


def apply_style(lab: Lab, z: Tensor, y: Tensor, asked: Tensor, place: int) -> tuple[Tensor, Tensor]:
    """Images of latents z, labels y at values ``asked`` [N, 1]: by latent alone, and in full."""
    style, held = asked.expand(-1, len(attribute.NAMES)), torch.arange(len(attribute.NAMES)) == place
    x = torch.cat(list(sample.images(lab.generator, lab.axes.steer(z, y, style, held), y)))
    return x, lab.axes.finish(x, y, style, held)


def _correlate(asked: Tensor, got: Tensor) -> float:
    return float(spearmanr(asked[:, 0], got).statistic)


def _accuracy(x: Tensor, y: Tensor) -> float:
    return feature.accuracy(feature.load("mnist").classifier, x, y)


def measure_axes(lab: Lab, count: int) -> dict[str, Any]:
    """The directions: how to find them again, and their R^2 on ``count`` held-out digits.

    R^2 = 1 - mean (measured - expected)^2 / var measured, in standard deviations of each class.
    """
    seeds = torch.arange(count) + FIRST_SEED + SAMPLES
    y, z = sample.labels(seeds, 10), sample.latents(seeds, lab.generator.latent)
    got = lab.axes.standard(torch.cat(list(sample.images(lab.generator, z, y))), y)
    r2 = 1 - (got - lab.axes.expected(z, y)).square().mean(0) / got.var(0, correction=0)
    return {
        "command": "GAN_CACHE=FOLDER python -m gan.generate n=1 style.thickness=0 out=x.png",
        "generator_sha256": lab.provenance["sha256"],
        "samples": SAMPLES,
        "held_out": {"samples": count, "r2": dict(zip(attribute.NAMES, r2.tolist(), strict=True))},
        "licence": checkpoint.LICENCE,
    }


def draw_sheet(lab: Lab) -> Picture:
    """A 2 and a 5 at eleven values, from -2.5 to 2.5, of each attribute in turn."""
    asked, rows = torch.linspace(-2.5, 2.5, 11)[:, None], []
    for place in range(len(attribute.NAMES)):
        for label, seed in ((2, 3), (5, 8)):
            y, z = torch.full((11,), label), sample.latents(torch.full((11,), seed), lab.generator.latent)
            rows.append(apply_style(lab, z, y, asked, place)[1])
    x = torch.cat(rows)
    return Digits(x, torch.full((len(x),), -1), torch.zeros(len(x), dtype=torch.long)).grid(11)
