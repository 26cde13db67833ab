"""What the classifiers of a study learn from: synthetic digits, and batches with real ones."""

from collections.abc import Iterator

import torch
from torch import Tensor

from gan import sample
from gan.metric import feature
from gan.network import Generator

Pair = tuple[Tensor, Tensor]  # images uint8 [N, C, H, W] and labels int64 [N]


def draw_fakes(generator: Generator, count: int, seed: int) -> Pair:
    """``count`` digits as bytes, and the balanced labels that they were generated from.

    All are kept: a classifier that selects among them would bring in what it knows of all labels.
    """
    seeds = torch.arange(count) + seed * count
    y = sample.labels(seeds, generator.classes)
    return sample.generate_bytes(generator, seeds, y), y


def draw_batches(real: Pair, fake: Pair | None, size: int, share: float, augmented: bool, seed: int) -> Iterator[Pair]:
    """Endless batches x [N, C, H, W] in [-1, 1], y [N], a ``share`` fake; jittered if augmented."""
    source = torch.Generator().manual_seed(seed)
    fakes, fake = (round(size * share), fake) if fake else (0, real)
    of_real, of_fake = _draw_indices(len(real[1]), size - fakes, source), _draw_indices(len(fake[1]), fakes, source)
    for i, j in zip(of_real, of_fake, strict=True):
        x, y = feature.floats(torch.cat([real[0][i], fake[0][j]])), torch.cat([real[1][i], fake[1][j]])
        yield feature.jitter(x, source) if augmented else x, y


def _draw_indices(count: int, size: int, source: torch.Generator) -> Iterator[Tensor]:
    """Endless batches of indices below ``count``, in rounds that have each index once."""
    left = torch.empty(0).long()
    while True:
        while len(left) < size:
            left = torch.cat([left, torch.randperm(count, generator=source)])
        yield left[:size]
        left = left[size:]
