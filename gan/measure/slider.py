"""Sliders: whether digits become what is asked of their style, by the latent and by the affine map after it."""

from typing import Any

import torch
from omegaconf import DictConfig
from scipy.stats import spearmanr
from torch import Tensor

from gan import checkpoint, sample
from gan.digits import attribute, style
from gan.digits.picture import Digits, Picture
from gan.lab import Lab
from gan.metric import feature

FIRST_SEED = 10**6
REACH = 2.0  # standard deviations to either side that correlation is measured over
STEPS = (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0)  # standard deviations at which is measured what is attained
SHOWN = ((2, 3), (5, 8))  # label and seed of what is on the sheet


def moved(lab: Lab, z: Tensor, y: Tensor, asked: Tensor, place: int) -> tuple[Tensor, Tensor]:
    """Images of latents z and labels y with the values ``asked`` [N, 1] of an attribute: by the latent alone, and finished."""
    x = torch.cat(list(sample.images(lab.generator, lab.axes.steer(z, y, asked, [place]), y)))
    return x, lab.axes.finish(x, y, asked, [place])


def measured_sliders(lab: Lab, cfg: DictConfig) -> dict[str, Any]:
    """Of each attribute, Spearman's correlation of asked and measured, and what is attained and read at each step."""
    seeds = torch.arange(cfg.sliders) + FIRST_SEED
    y, z = sample.labels(seeds, 10), sample.latents(seeds, lab.generator.latent)
    asked = (torch.rand(cfg.sliders, 1, generator=torch.Generator().manual_seed(cfg.seed)) * 2 - 1) * REACH
    each = cfg.sliders // len(STEPS)
    steps = torch.tensor(STEPS).repeat_interleave(each)[:, None]
    classifier, found = feature.load("mnist").classifier, {}

    def agrees(got: Tensor, some: Tensor | slice = slice(None)) -> float:
        return float(spearmanr(asked[some, 0], got[some]).statistic)

    for place, name in enumerate(attribute.NAMES):
        latent, x = moved(lab, z, y, asked, place)
        got = lab.axes.standard(x, y)[:, place]
        _, stepped = moved(lab, z[: len(steps)], y[: len(steps)], steps, place)
        attained = lab.axes.standard(stepped, y[: len(steps)])[:, place].split(each)
        parts = zip(STEPS, attained, stepped.split(each), y[: len(steps)].split(each), strict=True)
        found[name] = {
            "spearman": agrees(got),
            "by the latent alone": agrees(lab.axes.standard(latent, y)[:, place]) if place in style.IN_LATENT else None,
            "worst class": min(agrees(got, y == label) for label in range(10)),
            "read": feature.accuracy(classifier, x, y),
            "asked": {
                f"{step:+g}": {"attained": one.mean().item(), "read": feature.accuracy(classifier, drawn, label)}
                for step, one, drawn, label in parts
            },
        }
    plain = torch.cat(list(sample.images(lab.generator, z, y)))
    return found | {"digits": cfg.sliders, "reach": REACH, "read without": feature.accuracy(classifier, plain, y)}


def measured_axes(lab: Lab, cfg: DictConfig) -> dict[str, Any]:
    """The card of the directions: whose they are, how they are found again, and how well they foretell other digits.

    R^2 = 1 - mean (measured - foretold)^2 / var measured, in standard deviations of each class, of seeds they have not seen.
    """
    seeds = torch.arange(cfg.sliders) + style.FIRST_SEED + style.SAMPLES
    y, z = sample.labels(seeds, 10), sample.latents(seeds, lab.generator.latent)
    got = lab.axes.standard(torch.cat(list(sample.images(lab.generator, z, y))), y)
    r2 = 1 - (got - lab.axes.expected(z, y)).square().mean(0) / got.var(0, correction=0)
    return {
        "command": "GAN_CACHE=FOLDER python -m gan.generate n=1 style.thickness=0 out=x.png",
        "generator_sha256": lab.card["sha256"],
        "samples": style.SAMPLES,
        "held_out": {"samples": cfg.sliders, "r2": dict(zip(attribute.NAMES, r2.tolist(), strict=True))},
        "licence": checkpoint.LICENCE,
    }


def sheet(lab: Lab) -> Picture:
    """A 2 and a 5 at eleven values, from -2.5 to 2.5, of each attribute in turn."""
    asked, rows = torch.linspace(-2.5, 2.5, 11)[:, None], []
    for place in range(len(attribute.NAMES)):
        for label, seed in SHOWN:
            y, z = torch.full((11,), label), sample.latents(torch.tensor([seed] * 11), lab.generator.latent)
            rows.append(moved(lab, z, y, asked, place)[1])
    x = torch.cat(rows)
    return Digits(x, torch.full((len(x),), -1), torch.zeros(len(x), dtype=torch.long)).grid(11)
