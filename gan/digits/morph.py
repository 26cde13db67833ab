"""What lies between digits: from one label and latent to the next, and on."""

import itertools

import torch
from torch import Tensor

from gan import sample
from gan.digits.texture import smoothstep
from gan.network import Generator


def between(generator: Generator, y: Tensor, z: Tensor, frames: int, loop: bool = False) -> Tensor:
    """Images [T, C, H, W] that go through labels int64 [K] and latents [K, D] in turn, ``frames`` on the way to each.

    Latents turn on arcs and labels mix, slowly at their ends. ``loop`` goes back to the first, which is then not repeated;
    else the last is the last image. Labels of a generator without classes are -1.
    """
    stops = [*range(len(y)), 0] if loop else list(range(len(y)))
    t = smoothstep(torch.arange(frames) / frames)
    paths, mixtures = [], []
    for a, b in itertools.pairwise(stops):
        paths.append(sample.slerp(z[a], z[b], t))
        mixtures.append(torch.lerp(_shares(y[a], generator), _shares(y[b], generator), t[:, None]))
    if not loop:
        paths.append(z[-1:])
        mixtures.append(_shares(y[-1], generator)[None])
    path = torch.cat(paths)
    labels = torch.cat(mixtures) if generator.classes else torch.full((len(path),), -1)
    return torch.cat(list(sample.images(generator, path, labels)))


def _shares(label: Tensor, generator: Generator) -> Tensor:
    """A label as the shares [classes] that are all its own."""
    return torch.eye(max(generator.classes, 1))[label.clamp(min=0)]
