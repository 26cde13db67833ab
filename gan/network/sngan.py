"""SNGAN: residual networks and a discriminator with spectral norm (Miyato et al. 2018; Miyato & Koyama 2018).

``width`` channels at full size and twice as many at each halving, down to ``base``. The papers have 128 and more; 16 is
what a laptop trains.
"""

import itertools

import torch
from torch import Tensor, nn

from gan.network import Verdict
from gan.network.layer import Down, Head, Up, glorot_uniform, spectral, stages, widths


class Generator(nn.Module):
    """Latent to an image by doubling residual blocks; the class sets the scales and shifts of their batch norms."""

    def __init__(self, size: int, channels: int, classes: int, latent: int, width: int) -> None:
        super().__init__()
        self.latent, self.classes = latent, classes
        self.base, count = stages(size)
        w = widths(width, count)[::-1]  # [64, 32, 16]
        self.dense = nn.Linear(latent, w[0] * self.base**2)
        self.blocks = nn.ModuleList(Up(before, after, classes) for before, after in itertools.pairwise(w))
        self.out = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.Conv2d(width, channels, 3, padding=1))
        self.apply(glorot_uniform)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Latents [N, latent] and labels [N] to images [N, channels, size, size] in [-1, 1]."""
        x = self.dense(z).unflatten(1, (-1, self.base, self.base))
        for block in self.blocks:
            x = block(x, y)
        return torch.tanh(self.out(x))


class Discriminator(nn.Module):
    """An image to a verdict by halving residual blocks, two more at the end, and a sum over what is left of the image."""

    def __init__(self, size: int, channels: int, classes: int, width: int, condition: str = "projection") -> None:
        super().__init__()
        _, count = stages(size)
        w = widths(width, count)  # [16, 32, 64]
        self.blocks = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            *(Down(before, after) for before, after in itertools.pairwise(w)),
            *(Down(w[-1], w[-1], halve=False) for _ in range(2)),
        )
        self.head = Head(w[-1], classes, condition, scale=1)
        self.apply(glorot_uniform)
        spectral(self)

    def forward(self, x: Tensor, y: Tensor) -> Verdict:
        """Images [N, channels, size, size] and labels [N] to a verdict."""
        verdict: Verdict = self.head(self.blocks(x).relu().sum((2, 3)), y)
        return verdict
