"""Latents from seeds, and images in batches.

Image *i* of a set depends on ``seed + i`` alone. The batch size only changes float32's last digits.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from gan.image import to_uint8
from gan.network import Generator

SEEDS = 2**32  # users' seeds are below; commands take their own from above


def latents(seeds: Tensor, size: int) -> Tensor:
    """Standard normal latents [N, size]; int64 ``seeds[i]``, from 0, determines row i.

    torch's CPU generator uses 32 bits of a seed, so seed s is row s // 2^32 of the stream s % 2^32.
    """
    source = torch.Generator()
    z = torch.empty(len(seeds), size, dtype=torch.float32)  # whatever the default type
    for row, seed in zip(z, seeds.tolist(), strict=True):
        above, known = divmod(seed, SEEDS)
        source.manual_seed(known)
        for _ in range(above + 1):
            row.normal_(generator=source)
    return z


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Latents [T, D] on the arc from ``a`` to ``b`` [D] at ``t`` [T] in [0, 1] (White 2016, 2.1).

    A straight line would pass nearer to the origin than standard normal latents ever are.
    """
    angle = torch.acos((a @ b / (a.norm() * b.norm())).clamp(-0.9999, 0.9999))
    t = t[:, None]
    return (((1 - t) * angle).sin() * a + (t * angle).sin() * b) / angle.sin()


def labels(seeds: Tensor, classes: int) -> Tensor:
    """Balanced labels int64 [N]: the classes in turn, or -1 (no label) if there are no classes."""
    return seeds % classes if classes else torch.full_like(seeds, -1)


def columns(classes: int, count: int = 0) -> int:
    """Columns of a grid of balanced labels: one for each class if there are 1 to 50, else 10.

    ``count`` labels that would make it higher than wide get a multiple of that.
    """
    least = classes if 0 < classes <= 50 else 10
    return least * max(1, math.ceil(math.sqrt(count) / least))


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients, so batch norm mixes no images; then the former mode."""
    was_training = module.training
    module.train(False)
    try:
        with torch.no_grad():
            yield
    finally:
        module.train(was_training)


def images(generator: Generator, z: Tensor, y: Tensor, batch: int = 500) -> Iterator[Tensor]:
    """Yield images [<=batch, C, H, W] in [-1, 1] on the CPU, for latents z [N, D], labels y [N]."""
    weight = next(generator.parameters())
    with evaluating(generator):
        for some, labels in zip(z.split(batch), y.split(batch), strict=True):
            yield generator(some.to(weight), labels.to(weight.device)).float().cpu()


def generate(
    generator: Generator, seeds: Tensor, y: Tensor, batch: int = 500, *, truncation: float = 1.0
) -> Iterator[Tensor]:
    """Yield images as :func:`images` does, for int64 ``seeds`` [N] whose latents are truncated.

    ``truncation`` is psi in (0, 1] (Karras et al. 2019, appendix B), around the latents' mean, 0.
    """
    for some, labels in zip(seeds.split(batch), y.split(batch), strict=True):
        yield from images(generator, truncation * latents(some, generator.latent), labels, batch)


def generate_bytes(generator: Generator, seeds: Tensor, y: Tensor) -> Tensor:
    """All images of :func:`generate` as they are saved: bytes [N, C, H, W]."""
    return torch.cat([to_uint8(x) for x in generate(generator, seeds, y)])
