"""Interpolation through labels and latents."""

import itertools

import torch
from torch import Tensor

from gan import sample
from gan.digits.texture import smoothstep
from gan.network import Generator


def between(generator: Generator, y: Tensor, z: Tensor, frames: int, loop: bool = False) -> Tensor:
    """Images [T, C, H, W] through labels int64 [K] and latents [K, D], ``frames`` to each next one.

    Latents follow arcs, labels mix; both slow down at each stop. ``loop`` returns to the first
    without repeating it, else the last digit ends it. Labels are -1 for unconditional generators.
    """
    t = smoothstep(torch.arange(frames) / frames)
    shares = torch.eye(max(generator.classes, 1))[y]
    stops = itertools.pairwise([*range(len(y)), 0] if loop else range(len(y)))
    steps = [(sample.slerp(z[a], z[b], t), torch.lerp(shares[a], shares[b], t[:, None])) for a, b in stops]
    if not loop:
        steps.append((z[-1:], shares[-1:]))
    path, mixtures = (torch.cat(part) for part in zip(*steps, strict=True))
    labels = mixtures if generator.classes else torch.full((len(path),), -1)
    return torch.cat(list(sample.images(generator, path, labels)))
