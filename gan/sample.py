"""Latents from seeds and batched generation. Knows a Generator and nothing else.

Image *i* of a set is a function of ``seed + i`` alone: neither the number of processes nor the images before it change it,
and the batch size only in float32's last digits, which now and then rounds a pixel to the next of its 256 levels.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from gan.network import Generator

SEEDS = 2**32  # those of users; what a command draws for itself has seeds above


def latents(seeds: Tensor, size: int) -> Tensor:
    """Standard normal latents [N, size], row i drawn from a generator seeded with ``seeds[i]`` (int64 [N], from 0).

    torch's generator on the CPU knows 32 bits of a seed: what is above counts how many rows of that stream are passed over.
    """
    source = torch.Generator()
    z = torch.empty(len(seeds), size, dtype=torch.float32)  # another default type would draw others
    for row, seed in zip(z, seeds.tolist(), strict=True):
        above, known = divmod(seed, SEEDS)
        source.manual_seed(known)
        for _ in range(above + 1):
            row.normal_(generator=source)
    return z


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Latents [T, D] on the arc from ``a`` to ``b`` [D] at ``t`` [T] in [0, 1] (White 2016, section 2.1).

    A straight line would pass nearer to the origin than standard normal latents ever are.
    """
    angle = torch.acos((a @ b / (a.norm() * b.norm())).clamp(-0.9999, 0.9999))
    t = t[:, None]
    return (((1 - t) * angle).sin() * a + (t * angle).sin() * b) / angle.sin()


def labels(seeds: Tensor, classes: int) -> Tensor:
    """Balanced labels, int64 [N]: the classes in turn, or -1 (no label) where the generator has no classes."""
    return seeds % classes if classes else torch.full_like(seeds, -1)


def columns(classes: int) -> int:
    """Of a grid of images with balanced labels: one for each class, but 10 where there are none or too many to see."""
    return classes if 0 < classes <= 50 else 10


@contextmanager
def evaluating(module: Generator) -> Iterator[None]:
    """Evaluation mode without gradients; the mode it had before comes back afterwards.

    A train-mode generator would update its batch norm statistics and make an image depend on its neighbours.
    """
    was_training = module.training
    module.train(False)
    try:
        with torch.no_grad():
            yield
    finally:
        module.train(was_training)


def images(generator: Generator, z: Tensor, y: Tensor, batch: int = 500) -> Iterator[Tensor]:
    """Yield images in [-1, 1], [<=batch, C, H, W] at a time, on the CPU, for latents ``z`` [N, D] and labels ``y`` [N]."""
    weight = next(generator.parameters())
    with evaluating(generator):
        for some, labels in zip(z.split(batch), y.split(batch), strict=True):
            yield generator(some.to(weight), labels.to(weight.device)).float().cpu()


def generate(generator: Generator, seeds: Tensor, y: Tensor, batch: int = 500) -> Iterator[Tensor]:
    """Yield images as :func:`images` does, for the latents of int64 ``seeds`` [N]."""
    for some, labels in zip(seeds.split(batch), y.split(batch), strict=True):
        yield from images(generator, latents(some, generator.latent), labels, batch)
